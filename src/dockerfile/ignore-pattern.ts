import { advance, isMatch, readTokens, SLASH, startPlaces, type Token } from "./ignore-tokens.ts";

/** How far a pattern has come along the directories above a name. Empty: nothing below can match any more. */
export type Progress = readonly number[];

/** One compiled pattern of an ignore file, asked name by name on the way down. */
export interface Pattern {
  readonly text: string;
  readonly negated: boolean;
  readonly start: Progress;
  /** Whether the path that ends with this name matches. */
  matches(progress: Progress, name: string): boolean;
  /** The progress inside the directory of this name. */
  enter(progress: Progress, name: string): Progress;
}

/** Compiles one cleaned pattern without its `!`. Throws IGNORE_FILE_INVALID when it is malformed. */
export function compilePattern(text: string, negated: boolean): Pattern {
  const tokens = readTokens(text);
  const elements = splitElements(tokens);
  const how = elements === undefined ? byPlaces(tokens) : byElements(elements);
  return Object.freeze({ text, negated, ...how });
}

/** What one element of a pattern asks of a name, or any number of directories. */
type Element = "directories" | "anything" | ((name: string) => boolean);

/**
 * The elements between the slashes of a pattern: most patterns can be followed a name at a time. `undefined` when
 * some token may match a slash in the midst of a name.
 */
function splitElements(tokens: readonly Token[]): Element[] | undefined {
  const elements: Element[] = [];
  let element: Token[] = [];
  for (const [index, token] of tokens.entries()) {
    if (token.kind === "deep" || token.kind === "rest") {
      const isLast = index === tokens.length - 1;
      if (element.length > 0 || (token.kind === "rest") !== isLast) return undefined;
      elements.push(token.kind === "deep" ? "directories" : "anything");
      if (isLast) return elements;
    } else if (token.kind === "one" && token.accepts("/")) return undefined;
    else if (token.kind === "literal" && token.unit === SLASH) {
      elements.push(nameMatcher(element));
      element = [];
    } else element.push(token);
  }
  return [...elements, nameMatcher(element)];
}

function nameMatcher(tokens: readonly Token[]): (name: string) => boolean {
  const stars = tokens.filter(({ kind }) => kind === "star").length;
  const star = tokens.findIndex(({ kind }) => kind === "star");
  const isPlain = tokens.every(({ kind }) => kind === "literal" || kind === "star");
  if (isPlain && stars === 0) {
    const text = literalText(tokens);
    return (name) => name === text;
  }
  if (isPlain && stars === 1) {
    const prefix = literalText(tokens.slice(0, star));
    const suffix = literalText(tokens.slice(star + 1));
    const shortest = prefix.length + suffix.length;
    return (name) => name.length >= shortest && name.startsWith(prefix) && name.endsWith(suffix);
  }
  const start = startPlaces(tokens);
  return (name) => isMatch(tokens, advance(tokens, start, name));
}

function literalText(tokens: readonly Token[]): string {
  return tokens.map((token) => (token.kind === "literal" ? String.fromCharCode(token.unit) : "")).join("");
}

type How = Pick<Pattern, "start" | "matches" | "enter">;

/** Progress is the elements that may come next, ascending. */
function byElements(elements: readonly Element[]): How {
  const last = elements.length - 1;
  return {
    start: follow(elements, [0]),
    matches: (progress, name) => progress.includes(last) && accepts(elements[last], name),
    enter(progress, name) {
      const next = new Set<number>();
      for (const index of progress) {
        const element = elements[index];
        // Directories and anything stay for the names below.
        if (typeof element === "string") next.add(index);
        else if (index < last && accepts(element, name)) next.add(index + 1);
      }
      return follow(elements, next);
    },
  };
}

function accepts(element: Element | undefined, name: string): boolean {
  return typeof element === "function" ? element(name) : element === "anything";
}

/** Adds what may come instead of a number of directories: none. */
function follow(elements: readonly Element[], indexes: Iterable<number>): Progress {
  const all = new Set<number>();
  for (const index of indexes)
    for (let at = index; !all.has(at); at++) {
      all.add(at);
      if (elements[at] !== "directories") break;
    }
  return [...all];
}

/** Progress is places in the tokens, for patterns whose parts go beyond a name. */
function byPlaces(tokens: readonly Token[]): How {
  return {
    start: startPlaces(tokens),
    matches: (progress, name) => isMatch(tokens, advance(tokens, progress, name)),
    enter: (progress, name) => advance(tokens, progress, `${name}/`),
  };
}
