import type { Host } from "#host";

/** One element of a set as the kernel has it now. */
export interface SetElement {
  readonly key: readonly string[];
  readonly packets?: number;
  /** Seconds until it goes. */
  readonly expires?: number;
}

/** The elements of one set of a table; none where there is no such table. */
export function listElements(
  firewall: Pick<Host["firewall"], "list">,
  table: string,
  set: string,
): readonly SetElement[] {
  const listing = firewall.list(`set inet ${table} ${set}`);
  const objects: unknown = fieldOf(listing, "nftables");
  if (!Array.isArray(objects)) return [];
  const elements: unknown = objects
    .map((object: unknown) => fieldOf(fieldOf(object, "set"), "elem"))
    .find((one) => one !== undefined);
  return Array.isArray(elements) ? elements.map(readElement) : [];
}

/** Plain, or wrapped in `elem` with what goes with it. */
function readElement(element: unknown): SetElement {
  const wrapped = fieldOf(element, "elem");
  const value = wrapped === undefined ? element : fieldOf(wrapped, "val");
  const parts = fieldOf(value, "concat") ?? [value];
  const expires = fieldOf(wrapped, "expires");
  const packets = fieldOf(fieldOf(wrapped, "counter"), "packets");
  return {
    key: Array.isArray(parts) ? parts.map(String) : [],
    ...(typeof packets === "number" ? { packets } : {}),
    ...(typeof expires === "number" ? { expires } : {}),
  };
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
