import { begin, type ExpandOptions, type Lookup, run, type Splitter } from "./expansion.ts";

export type { ExpandOptions, Lookup } from "./expansion.ts";

/** A word after expansion, and the variables it asked for: those that were set and those that were not. */
export interface Expansion {
  readonly text: string;
  readonly matched: ReadonlySet<string>;
  readonly unmatched: ReadonlySet<string>;
}

/**
 * Expands the variables of a word and removes its quotes and escapes, as BuildKit does where an instruction expands.
 * A name that is not set gives nothing; `${name?message}` and syntax errors throw DOCKERFILE_INVALID with BuildKit's
 * words.
 */
export function expandWord(word: string, lookup: Lookup, options: ExpandOptions = {}): Expansion {
  if (!SPECIAL.test(word)) return { text: word, matched: NO_NAMES, unmatched: NO_NAMES };
  const state = begin(word, lookup, options);
  return { text: run(state), matched: state.matched, unmatched: state.unmatched };
}

/** Expands a word and splits the result at white space that was not quoted: what EXPOSE does. Empty words are dropped. */
export function expandWords(word: string, lookup: Lookup, options: ExpandOptions = {}): string[] {
  const state = begin(word, lookup, options);
  const splitter: Splitter = { words: [], current: "" };
  state.splitter = splitter;
  run(state);
  if (splitter.current !== "") splitter.words.push(splitter.current);
  return splitter.words;
}

/** What a word must hold for expansion to change it. */
const SPECIAL = /[$'"<\\`\ufeff]/;
const NO_NAMES: ReadonlySet<string> = new Set();
