import { LighterError } from "#base";

// A pattern as a list of tokens. A set of places in that list is followed along the path: time grows with path times
// pattern, whatever the pattern. https://docs.docker.com/build/concepts/context/#syntax

export type Token =
  | { readonly kind: "literal"; readonly unit: number }
  /** `?` and `[...]`: one character. */
  | { readonly kind: "one"; readonly accepts: (character: string) => boolean }
  /** `*`: anything within one element of the path. */
  | { readonly kind: "star" }
  /** `**` in the middle: nothing, or anything that ends with a slash. */
  | { readonly kind: "deep" }
  /** `**` at the end, or before a plain suffix: anything. */
  | { readonly kind: "rest" };

/** Places in a list of tokens. `-n - 1` marks the inside of the deep token at `n`. */
export type Places = readonly number[];

export const SLASH = 0x2f;

/** Cuts a cleaned pattern into tokens. Throws IGNORE_FILE_INVALID when a bracket or an escape is left open. */
export function readTokens(text: string): Token[] {
  const tokens: Token[] = [];
  for (let index = 0; index < text.length; ) index = readToken(text, index, tokens);
  return tokens;
}

function readToken(text: string, index: number, tokens: Token[]): number {
  switch (text.charAt(index)) {
    case "*":
      return text[index + 1] === "*"
        ? readDeep(text, index, tokens)
        : push(tokens, { kind: "star" }, index + 1);
    case "?":
      return push(tokens, { kind: "one", accepts: (character) => character !== "/" }, index + 1);
    case "[":
      return readClass(text, index, tokens);
    case "\\":
      if (index + 1 === text.length) throw invalid(text);
      return push(tokens, { kind: "literal", unit: text.charCodeAt(index + 1) }, index + 2);
    default:
      return push(tokens, { kind: "literal", unit: text.charCodeAt(index) }, index + 1);
  }
}

function push(tokens: Token[], token: Token, next: number): number {
  tokens.push(token);
  return next;
}

function readDeep(text: string, index: number, tokens: Token[]): number {
  const slash = text[index + 2] === "/";
  const next = index + (slash ? 3 : 2);
  // `**name` is any path that ends with the name; `**` before other wildcards stands for whole directories.
  const isSuffix = index === 0 && !slash && !/[*?[\]\\]/.test(text.slice(next));
  return push(tokens, { kind: next === text.length || isSuffix ? "rest" : "deep" }, next);
}

interface CharacterRange {
  readonly low: string;
  readonly high: string;
}

/** `[abc]`, `[a-z]`, `[^...]`: not empty; `-` and `]` stand in it only escaped. */
function readClass(text: string, start: number, tokens: Token[]): number {
  const negated = text[start + 1] === "^";
  const ranges: CharacterRange[] = [];
  let index = start + (negated ? 2 : 1);
  while (text[index] !== "]" || ranges.length === 0) {
    const low = readClassCharacter(text, index);
    const isRange = text[low.next] === "-";
    const high = isRange ? readClassCharacter(text, low.next + 1) : low;
    if (low.character > high.character) throw invalid(text);
    ranges.push({ low: low.character, high: high.character });
    index = high.next;
  }
  const accepts = (character: string): boolean =>
    ranges.some(({ low, high }) => low <= character && character <= high) !== negated;
  return push(tokens, { kind: "one", accepts }, index + 1);
}

function readClassCharacter(text: string, start: number): { character: string; next: number } {
  const index = text[start] === "\\" ? start + 1 : start;
  const point = text.codePointAt(index);
  if (point === undefined || (index === start && (text[index] === "-" || text[index] === "]")))
    throw invalid(text);
  const character = String.fromCodePoint(point);
  return { character, next: index + character.length };
}

function invalid(pattern: string): LighterError {
  return new LighterError("IGNORE_FILE_INVALID", `cannot use pattern "${pattern}": syntax error in pattern`, {
    details: { pattern },
  });
}

/** Places being collected; a long pattern may have many, so that finding one again needs a set. */
interface Collector {
  readonly places: number[];
  readonly seen: Set<number> | undefined;
}

const MANY_TOKENS = 64;

function collector(tokens: readonly Token[]): Collector {
  return { places: [], seen: tokens.length > MANY_TOKENS ? new Set() : undefined };
}

/** The places before anything is read. */
export function startPlaces(tokens: readonly Token[]): Places {
  const start = collector(tokens);
  addPlace(tokens, 0, start);
  return start.places;
}

/** The places after `text`, which may be part of a path. Empty: nothing that begins so can match. */
export function advance(tokens: readonly Token[], places: Places, text: string): Places {
  let current = places;
  for (let index = 0; index < text.length && current.length > 0; ) {
    const character = String.fromCodePoint(text.codePointAt(index) ?? 0);
    const next = collector(tokens);
    for (const place of current) step(tokens, place, { character, index, text }, next);
    current = next.places;
    index += character.length;
  }
  return current;
}

interface At {
  readonly character: string;
  readonly index: number;
  readonly text: string;
}

function step(tokens: readonly Token[], place: number, at: At, next: Collector): void {
  const unit = at.text.charCodeAt(at.index);
  if (place < 0) {
    addOnce(next, place);
    if (unit === SLASH) addPlace(tokens, -place, next);
    return;
  }
  const token = tokens[place];
  if (token === undefined) return;
  if (token.kind === "literal") stepLiteral(tokens, place, at, next);
  else if (token.kind === "one") {
    if (token.accepts(at.character)) addPlace(tokens, place + 1, next);
  } else if (token.kind === "rest" || (token.kind === "star" && unit !== SLASH))
    addPlace(tokens, place, next);
}

/** A character of two units takes two literals. */
function stepLiteral(
  tokens: readonly Token[],
  place: number,
  { character, index, text }: At,
  next: Collector,
): void {
  for (let offset = 0; offset < character.length; offset++) {
    const token = tokens[place + offset];
    if (token?.kind !== "literal" || token.unit !== text.charCodeAt(index + offset)) return;
  }
  addPlace(tokens, place + character.length, next);
}

/** Adds a place and those that can be reached from it without a character. */
function addPlace(tokens: readonly Token[], place: number, into: Collector): void {
  for (let at = place; addOnce(into, at); at++) {
    const kind = tokens[at]?.kind;
    if (kind === "deep") addOnce(into, -at - 1);
    else if (kind !== "star" && kind !== "rest") break;
  }
}

function addOnce({ places, seen }: Collector, place: number): boolean {
  if (seen === undefined ? places.includes(place) : seen.has(place)) return false;
  places.push(place);
  seen?.add(place);
  return true;
}

/** Whether what was read so far is a match. */
export function isMatch(tokens: readonly Token[], places: Places): boolean {
  return places.includes(tokens.length);
}
