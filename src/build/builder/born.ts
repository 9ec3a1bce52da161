import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Digest, encoded } from "#oci";

/**
 * When the steps below a layer first ran, by diffID: the snapshot of an image that was built here keeps the real times
 * of its files, and a later build on it must know which of them are not content. A layer from elsewhere has none.
 */
export interface BornTimes {
  find(diffIds: readonly Digest[]): number;
  put(diffId: Digest, bornMs: number): void;
}

export function openBornTimes(directory: string): BornTimes {
  const path = (diffId: Digest): string => join(directory, encoded(diffId));
  return {
    find: (diffIds) =>
      diffIds.reduce(
        (earliest, diffId) => Math.min(earliest, readTime(path(diffId))),
        Number.MAX_SAFE_INTEGER,
      ),
    put(diffId, bornMs) {
      if (readTime(path(diffId)) > bornMs) writeFileSync(path(diffId), String(bornMs));
    },
  };
}

function readTime(path: string): number {
  try {
    const time = Number(readFileSync(path, "latin1"));
    return time > 0 ? time : Number.MAX_SAFE_INTEGER;
  } catch {
    return Number.MAX_SAFE_INTEGER;
  }
}
