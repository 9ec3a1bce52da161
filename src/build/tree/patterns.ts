/** Compiled patterns of .dockerignore; the dockerfile room makes them. */
export interface PatternMatcher {
  /** Whether the path, or a directory above it, matches and no later `!` pattern takes it back. */
  matches(path: string): boolean;
  /** Whether a `!` pattern may take back something below a matching directory. False lets a walk skip it. */
  mayContain(directory: string): boolean;
}

/** Whether `text` holds a wildcard of Go's filepath.Match. */
export function hasWildcard(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === "\\") at += 1;
    else if (character === "*" || character === "?" || character === "[") return true;
  }
  return false;
}

const nothing = /(?!)/;

/** Whether Go's filepath.Match would refuse the pattern of one part of a path. */
export function isMalformed(pattern: string): boolean {
  return compilePart(pattern) === nothing;
}

/**
 * Go's filepath.Match for one part of a path, as a regular expression. A malformed pattern matches nothing.
 * @see https://pkg.go.dev/path/filepath@go1.25#Match
 */
export function compilePart(pattern: string): RegExp {
  let source = "";
  let at = 0;
  while (at < pattern.length) {
    const character = pattern[at] ?? "";
    if (character === "*") source += "[^/]*";
    else if (character === "?") source += "[^/]";
    else if (character === "[") {
      const set = characterSet(pattern, at);
      if (set === undefined) return nothing;
      source += set.source;
      at = set.end;
      continue;
    } else if (character === "\\") {
      at += 1;
      if (at === pattern.length) return nothing;
      source += escapeRegExp(pattern[at] ?? "");
    } else source += escapeRegExp(character);
    at += 1;
  }
  return new RegExp(`^${source}$`, "su");
}

function characterSet(
  pattern: string,
  start: number,
): { readonly source: string; readonly end: number } | undefined {
  let at = start + 1;
  const isNegated = pattern[at] === "^";
  if (isNegated) at += 1;
  let ranges = "";
  for (let count = 0; ; count += 1) {
    if (pattern[at] === "]" && count > 0) break;
    const low = setCharacter(pattern, at);
    if (low === undefined) return undefined;
    at = low.end;
    let high = low;
    if (pattern[at] === "-") {
      const end = setCharacter(pattern, at + 1);
      if (end === undefined) return undefined;
      high = end;
      at = end.end;
    }
    // An empty range (`z-a`) matches nothing in Go and is an error in a regular expression.
    if (low.character <= high.character)
      ranges += `${escapeInSet(low.character)}-${escapeInSet(high.character)}`;
  }
  const none = isNegated ? "[^/]" : "(?!)";
  return { source: ranges === "" ? none : `[${isNegated ? "^" : ""}${ranges}]`, end: at + 1 };
}

function setCharacter(
  pattern: string,
  start: number,
): { readonly character: string; readonly end: number } | undefined {
  const at = pattern[start] === "\\" ? start + 1 : start;
  const codePoint = pattern.codePointAt(at);
  if (codePoint === undefined) return undefined;
  const character = String.fromCodePoint(codePoint);
  if (at === start && (character === "-" || character === "]")) return undefined;
  return { character, end: at + character.length };
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
}

function escapeInSet(character: string): string {
  return /[\\\]^[&-]/.test(character) ? `\\${character}` : character;
}
