import { LighterError } from "#base";

// The patterns of ${name#p}, ${name%p} and ${name/p/r}: `*`, `?` and escapes, no brackets. They are matched by
// following all possibilities at once, for a backtracking matcher takes time without bound on a hostile pattern.
// https://swtch.com/~rsc/regexp/regexp2.html#pike

type Token = { readonly kind: "literal"; readonly character: string } | { readonly kind: "any" | "star" };

/** What matching may still cost: one for each character looked at and each possibility followed. */
export interface Steps {
  left: number;
}

/** Steps for all patterns of one word together: 64 kB of text against 64 characters of pattern. */
export const MAX_STEPS = 4_000_000;

/** The value without what the pattern matches at its start: the longest match when `greedy`, else the shortest. */
export function trimPrefix(pattern: string, value: string, greedy: boolean, steps: Steps): string {
  const found = findMatch(compile(pattern), value, { from: 0, anchored: true, greedy }, steps);
  return found === undefined ? value : value.slice(found.end);
}

/** The value without what the pattern matches at its end. */
export function trimSuffix(pattern: string, value: string, greedy: boolean, steps: Steps): string {
  spend(steps, value.length);
  // The shortest match at the end is the shortest at the start of the reversed text.
  return reverse(trimPrefix(reversePattern(pattern), reverse(value), greedy, steps));
}

/** A replacement: of the first match, or of every one when `all`. */
export interface Replacement {
  readonly pattern: string;
  readonly replacement: string;
  readonly all: boolean;
}

/** The value with what the pattern matches replaced. */
export function replacePattern(
  value: string,
  { pattern, replacement, all }: Replacement,
  steps: Steps,
): string {
  const tokens = compile(pattern);
  if (all) return replaceAll(tokens, value, replacement, steps);
  const found = findMatch(tokens, value, { from: 0, anchored: false, greedy: true }, steps);
  return found === undefined ? value : value.slice(0, found.start) + replacement + value.slice(found.end);
}

function replaceAll(tokens: readonly Token[], text: string, replacement: string, steps: Steps): string {
  let result = "";
  let copied = 0;
  for (let from = 0; from <= text.length; ) {
    const found = findMatch(tokens, text, { from, anchored: false, greedy: true }, steps);
    if (found === undefined) break;
    result += text.slice(copied, found.start);
    // An empty match right behind a match is none.
    if (found.end > copied || found.start === 0)
      result += expandTemplate(replacement, text.slice(found.start, found.end));
    spend(steps, replacement.length);
    copied = found.end;
    from = found.end > from ? found.end : from + (characterAt(text, from).length || 1);
  }
  return result + text.slice(copied);
}

/** In `//` the replacement is a template to the reference implementation: `$$` is `$`, `$0` the match, other groups empty. */
function expandTemplate(replacement: string, matched: string): string {
  if (!replacement.includes("$")) return replacement;
  return replacement.replace(
    /\$(?:(\$)|([\p{L}\p{Nd}_]+)|\{([\p{L}\p{Nd}_]+)\})/gu,
    (_, dollar: string | undefined, name: string | undefined, braced: string | undefined) =>
      dollar ?? ((name ?? braced) === "0" ? matched : ""),
  );
}

function compile(pattern: string): Token[] {
  const characters = Array.from(pattern);
  const tokens: Token[] = [];
  for (let index = 0; index < characters.length; index++) {
    const character = characters[index] ?? "";
    if (character === "*") {
      if (tokens.at(-1)?.kind !== "star") tokens.push({ kind: "star" });
    } else if (character === "?") tokens.push({ kind: "any" });
    else if (character !== "\\") tokens.push({ kind: "literal", character });
    else tokens.push({ kind: "literal", character: escaped(pattern, characters[++index]) });
  }
  return tokens;
}

function escaped(pattern: string, character = "\ufffd"): string {
  if ("}/*?\\".includes(character)) return character;
  throw new LighterError(
    "DOCKERFILE_INVALID",
    `invalid pattern (${pattern}) in substitution: invalid escape '\\${character}'`,
  );
}

interface Search {
  readonly from: number;
  readonly anchored: boolean;
  readonly greedy: boolean;
}

interface Match {
  readonly start: number;
  readonly end: number;
}

/** Possibilities in the order of preference: where each is in the pattern, and where in the text it began. */
interface Threads {
  readonly places: number[];
  readonly starts: number[];
}

/** The leftmost match, and of those at one place the one that a backtracking matcher would find first. */
function findMatch(tokens: readonly Token[], text: string, search: Search, steps: Steps): Match | undefined {
  let threads: Threads = { places: [], starts: [] };
  let best: Match | undefined;
  for (let index = search.from; ; ) {
    if (best === undefined && (!search.anchored || index === search.from)) {
      threads.places.push(0);
      threads.starts.push(index);
    }
    if (threads.places.length === 0) return best;
    const character = characterAt(text, index);
    const next: Threads = { places: [], starts: [] };
    const start = follow({ tokens, character, greedy: search.greedy, next, steps }, threads);
    if (start !== undefined) best = { start, end: index };
    if (character === "") return best;
    threads = next;
    index += character.length;
  }
}

interface Round {
  readonly tokens: readonly Token[];
  /** The next character, empty at the end of the text. */
  readonly character: string;
  readonly greedy: boolean;
  readonly next: Threads;
  readonly steps: Steps;
}

/** Takes every thread over one character. Answers where a thread that is at the end began: those after it are dropped. */
function follow(round: Round, { places, starts }: Threads): number | undefined {
  const visited = new Set<number>();
  for (let thread = 0; thread < places.length; thread++) {
    const start = starts[thread] ?? 0;
    if (followThread(round, visited, places[thread] ?? 0, start)) return start;
  }
  return undefined;
}

/** Whether the thread reaches the end of the pattern without a further character. */
function followThread(round: Round, visited: Set<number>, place: number, start: number): boolean {
  const { tokens, character, greedy } = round;
  for (let at = place; !visited.has(at); at++) {
    visited.add(at);
    spend(round.steps, 1);
    const token = tokens[at];
    if (token === undefined) return true;
    if (token.kind !== "star") {
      if (accepts(token, character)) keep(round.next, at + 1, start);
      return false;
    }
    // A lazy star prefers what follows it, a greedy one itself.
    if (!greedy && followThread(round, visited, at + 1, start)) return true;
    if (accepts(token, character)) keep(round.next, at, start);
    if (!greedy) return false;
  }
  return false;
}

function keep(threads: Threads, place: number, start: number): void {
  threads.places.push(place);
  threads.starts.push(start);
}

function accepts(token: Token, character: string): boolean {
  if (character === "") return false;
  return token.kind === "literal" ? token.character === character : character !== "\n";
}

function spend(steps: Steps, count: number): void {
  steps.left -= count;
  if (steps.left >= 0) return;
  throw new LighterError(
    "DOCKERFILE_INVALID",
    "cannot match the pattern of a substitution: it takes too many steps; use a shorter pattern or value",
  );
}

function characterAt(text: string, index: number): string {
  const point = text.codePointAt(index);
  return point === undefined ? "" : String.fromCodePoint(point);
}

function reverse(text: string): string {
  return Array.from(text).reverse().join("");
}

/** Reverses a pattern; an escape stays before the character it belongs to. */
export function reversePattern(pattern: string): string {
  const characters = Array.from(pattern);
  const reversed: string[] = [];
  for (let index = 0; index < characters.length; index++) {
    const character = characters[index] ?? "";
    const next = characters[index + 1];
    if (character !== "\\" || next === undefined) reversed.push(character);
    else {
      reversed.push(character + next);
      index++;
    }
  }
  return reversed.reverse().join("");
}
