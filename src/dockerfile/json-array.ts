import { skipSpace } from "./go-text.ts";
import type { Span } from "./words.ts";

/** Nesting beyond this is no JSON to the reference implementation. */
const MAX_DEPTH = 10_000;

/**
 * Reads `text[start, end)` as the exec form. `undefined`: it is no JSON array, so the shell form is meant.
 * `"not-strings"`: it is one, but some element is not a string, which is an error.
 */
export function readJsonArray(
  text: string,
  start: number,
  end: number,
): readonly Span[] | "not-strings" | undefined {
  const from = skipSpace(text, start, end);
  if (from === end || text[from] !== "[") return undefined;
  const elements = parseArray(text.slice(from, end));
  if (elements === undefined) return undefined;
  if (!elements.every((element) => typeof element === "string")) return "not-strings";
  return locate(text, from, elements.map(replaceLoneSurrogates));
}

function parseArray(json: string): readonly unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return Array.isArray(value) && isWithinLimits(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** A number beyond a double, and nesting beyond the limit, make a text no JSON to the reference implementation. */
function isWithinLimits(array: readonly unknown[]): boolean {
  let level: readonly unknown[] = array;
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) return false;
    const next: unknown[] = [];
    for (const value of level) {
      if (typeof value === "number" && !Number.isFinite(value)) return false;
      // One by one: a spread of a long array overflows the stack.
      if (typeof value === "object" && value !== null)
        for (const child of Object.values(value)) next.push(child);
    }
    level = next;
  }
  return true;
}

function replaceLoneSurrogates(text: string): string {
  return text.replace(/\p{Surrogate}/gu, "\ufffd");
}

/** Where each string stands: valid JSON of strings only, so every quote that is not escaped opens or closes one. */
function locate(text: string, from: number, values: readonly string[]): Span[] {
  let index = from;
  return values.map((value) => {
    const start = text.indexOf('"', index);
    index = start + 1;
    while (text[index] !== '"') index += text[index] === "\\" ? 2 : 1;
    index++;
    return { value, start, end: index };
  });
}
