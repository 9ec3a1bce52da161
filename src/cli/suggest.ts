import { suggest } from "#base";

/** The candidate that `word` was probably meant to be, or undefined. A short word has to begin as the candidate does. */
export function findSuggestion(word: string, candidates: readonly string[]): string | undefined {
  const found = suggest(word, candidates);
  return word.length > 4 || found?.[0] === word[0] ? found : undefined;
}
