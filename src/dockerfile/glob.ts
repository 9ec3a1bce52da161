import { LighterError } from "#base";

// The patterns of ${name#p}, ${name%p} and ${name/p/r}: `*`, `?` and escapes, no brackets. They are matched by
// following all possibilities at once, for a backtracking matcher takes time without bound on a hostile pattern.
// https://swtch.com/~rsc/regexp/regexp2.html#pike

type Token = { readonly kind: "literal"; readonly character: string } | { readonly kind: "any" | "star" };

/** Steps one matching may take: 64 kB of text against 64 bytes of pattern, or the other way round. */
const MAX_STEPS = 4_000_000;

/** The value without what the pattern matches at its start: the longest match when `greedy`, else the shortest. */
export function trimPrefix(pattern: string, value: string, greedy: boolean): string {
  const text = [...value];
  const found = findMatch(compile(pattern), text, { from: 0, anchored: true, greedy });
  return found === undefined ? value : text.slice(found.end).join("");
}

/** The value without what the pattern matches at its end. */
export function trimSuffix(pattern: string, value: string, greedy: boolean): string {
  // The shortest match at the end is the shortest at the start of the reversed text.
  return reverse(trimPrefix(reversePattern(pattern), reverse(value), greedy));
}

/** The value with its first match, or every match, replaced. */
export function replacePattern(value: string, pattern: string, replacement: string, all: boolean): string {
  const tokens = compile(pattern);
  const text = [...value];
  if (all) return replaceAll(tokens, text, replacement);
  const found = findMatch(tokens, text, { from: 0, anchored: false, greedy: true });
  if (found === undefined) return value;
  return text.slice(0, found.start).join("") + replacement + text.slice(found.end).join("");
}

function replaceAll(tokens: readonly Token[], text: readonly string[], replacement: string): string {
  let result = "";
  let copied = 0;
  for (let from = 0; from <= text.length; ) {
    const found = findMatch(tokens, text, { from, anchored: false, greedy: true });
    if (found === undefined) break;
    const matched = text.slice(found.start, found.end).join("");
    result += text.slice(copied, found.start).join("");
    // An empty match right behind a match is none.
    if (found.end > copied || found.start === 0) result += expandTemplate(replacement, matched);
    copied = found.end;
    from = Math.max(from + 1, found.end);
  }
  return result + text.slice(copied).join("");
}

/** In `//` the replacement is a template to the reference implementation: `$$` is `$`, `$0` the match, other groups empty. */
function expandTemplate(replacement: string, matched: string): string {
  return replacement.replace(
    /\$(?:(\$)|([\p{L}\p{Nd}_]+)|\{([\p{L}\p{Nd}_]+)\})/gu,
    (_, dollar, name, braced) => (dollar === undefined ? ((name ?? braced) === "0" ? matched : "") : "$"),
  );
}

function compile(pattern: string): Token[] {
  const characters = [...pattern];
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

/** The leftmost match, and of those at one place the one that a backtracking matcher would find first. */
function findMatch(tokens: readonly Token[], text: readonly string[], search: Search): Match | undefined {
  let states: number[] = [];
  let starts: number[] = [];
  let best: Match | undefined;
  let steps = 0;
  for (let index = search.from; ; index++) {
    if (best === undefined && (!search.anchored || index === search.from)) {
      states.push(0);
      starts.push(index);
    }
    if (states.length === 0) return best;
    const nextStates: number[] = [];
    const nextStarts: number[] = [];
    const visited = new Set<number>();
    const step = (state: number, start: number): "matched" | undefined => {
      for (let at = state; !visited.has(at); at++) {
        visited.add(at);
        steps++;
        const token = tokens[at];
        if (token === undefined) {
          best = { start, end: index };
          return "matched";
        }
        if (token.kind !== "star") {
          if (accepts(token, text[index])) advance(at + 1, start);
          return undefined;
        }
        // A lazy star prefers what follows it, a greedy one itself.
        if (!search.greedy && step(at + 1, start) === "matched") return "matched";
        if (accepts(token, text[index])) advance(at, start);
        if (!search.greedy) return undefined;
      }
      return undefined;
    };
    const advance = (state: number, start: number): void => {
      nextStates.push(state);
      nextStarts.push(start);
    };
    for (let thread = 0; thread < states.length; thread++)
      if (step(states[thread] ?? 0, starts[thread] ?? 0) === "matched") break;
    if (steps > MAX_STEPS) throw tooCostly();
    states = nextStates;
    starts = nextStarts;
    if (index >= text.length) return best;
  }
}

function accepts(token: Token, character: string | undefined): boolean {
  if (character === undefined) return false;
  return token.kind === "literal" ? token.character === character : character !== "\n";
}

function tooCostly(): LighterError {
  return new LighterError(
    "DOCKERFILE_INVALID",
    "cannot match the pattern of a substitution: it needs too many steps; use a shorter pattern or value",
  );
}

function reverse(text: string): string {
  return [...text].reverse().join("");
}

/** Reverses a pattern; an escape stays before the character it belongs to. */
export function reversePattern(pattern: string): string {
  const characters = [...pattern];
  let reversed = "";
  for (let index = 0; index < characters.length; index++) {
    const character = characters[index] ?? "";
    const next = characters[index + 1];
    if (character !== "\\" || next === undefined) reversed = character + reversed;
    else {
      reversed = character + next + reversed;
      index++;
    }
  }
  return reversed;
}
