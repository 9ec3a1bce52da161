/** A suggestion is at most two edits away. */
const MAX_DISTANCE = 2;

/**
 * The option nearest to `value`, when it is near enough and is not the value itself. Without `caseSensitive` the
 * answer has the case of `value` where that is all upper or all lower case.
 */
export function suggest(value: string, options: readonly string[], caseSensitive = true): string | undefined {
  const wanted = caseSensitive ? value : value.toLowerCase();
  const known = caseSensitive ? options : options.map((option) => option.toLowerCase());
  let best: string | undefined;
  let limit = MAX_DISTANCE;
  for (const option of known) {
    if (option === wanted) return undefined;
    const distance = editDistance(wanted, option, limit);
    if (distance > limit) continue;
    best = option;
    limit = distance - 1;
  }
  const isUpper = value === value.toUpperCase() && value !== value.toLowerCase();
  return !caseSensitive && isUpper ? best?.toUpperCase() : best;
}

/** ` (did you mean NAME?)`, or nothing. */
export function didYouMean(value: string, options: readonly string[], caseSensitive = true): string {
  const found = suggest(value, options, caseSensitive);
  return found === undefined ? "" : ` (did you mean ${found}?)`;
}

/** Levenshtein's distance, or anything above `limit` when it is above. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  const left = Array.from(a);
  const letters = Array.from(b);
  let row = Array.from({ length: letters.length + 1 }, (_, column) => column);
  left.forEach((character, index) => {
    row = nextRow(row, character, letters, index + 1);
  });
  return row.at(-1) ?? 0;
}

function nextRow(
  row: readonly number[],
  character: string,
  letters: readonly string[],
  first: number,
): number[] {
  const next = [first];
  letters.forEach((other, column) => {
    const substitution = (row[column] ?? 0) + (character === other ? 0 : 1);
    next.push(Math.min(substitution, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
  });
  return next;
}
