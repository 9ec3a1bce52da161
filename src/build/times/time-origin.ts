/**
 * Which modification times in a tree belong to this machine and not to its content: those since the build's steps ran,
 * and those that the files of a checkout had.
 */
export interface TimeOrigin {
  /** When the first step that the tree stands on ran. */
  readonly bornMs: number;
  /** Names of the recorded times of checkouts; see `CheckoutTimes`. */
  readonly checkouts: readonly string[];
}

/** Of a tree whose times all came with its content: an image from elsewhere, a file from the web. */
export const timesOfContent: TimeOrigin = Object.freeze({
  bornMs: Number.MAX_SAFE_INTEGER,
  checkouts: Object.freeze([]),
});

/** Of a tree that was made from several. */
export function joinOrigins(origins: readonly TimeOrigin[]): TimeOrigin {
  return {
    bornMs: origins.reduce((earliest, { bornMs }) => Math.min(earliest, bornMs), Number.MAX_SAFE_INTEGER),
    checkouts: [...new Set(origins.flatMap(({ checkouts }) => checkouts))].sort(),
  };
}

/** The value read from disk, or undefined when it is none. */
export function parseOrigin(value: unknown): TimeOrigin | undefined {
  if (typeof value !== "object" || value === null || !("bornMs" in value && "checkouts" in value))
    return undefined;
  const { bornMs, checkouts } = value;
  if (typeof bornMs !== "number" || !Array.isArray(checkouts)) return undefined;
  return { bornMs, checkouts: checkouts.filter((name) => typeof name === "string") };
}
