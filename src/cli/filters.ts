import { LighterError } from "#base";

export interface Filter {
  readonly name: string;
  readonly value: string;
}

/** `--filter name=value`, of the names that a listing knows. @throws ARGUMENT_INVALID, USAGE without a value */
export function parseFilters(words: readonly string[], known: readonly string[]): readonly Filter[] {
  return words.map((word) => {
    const equals = word.indexOf("=");
    const name = word.slice(0, Math.max(0, equals));
    if (known.includes(name)) return { name, value: word.slice(equals + 1) };
    throw new LighterError(
      equals < 0 ? "USAGE" : "ARGUMENT_INVALID",
      `cannot filter by "${word}": want ${known.map((one) => `${one}=…`).join(", ")}`,
    );
  });
}

/** Values of one name are alternatives; different names must all match. */
export function matchesFilters(
  filters: readonly Filter[],
  matches: (filter: Filter) => boolean,
  allOf: readonly string[] = ["label"],
): boolean {
  const names = new Set(filters.map(({ name }) => name));
  return [...names].every((name) => {
    const same = filters.filter((filter) => filter.name === name);
    return allOf.includes(name) ? same.every(matches) : same.some(matches);
  });
}
