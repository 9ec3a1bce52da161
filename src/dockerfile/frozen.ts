const EMPTY: readonly never[] = Object.freeze([]);

/** The list, frozen. Most lists of a Dockerfile are empty: those are one and the same, for freezing is not free. */
export function frozenList<Item>(items: readonly Item[]): readonly Item[] {
  return items.length === 0 ? EMPTY : Object.freeze(items);
}
