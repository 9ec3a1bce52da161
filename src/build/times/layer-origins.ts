import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Digest, encoded } from "#oci";
import { joinOrigins, parseOrigin, type TimeOrigin, timesOfContent } from "./time-origin.ts";

/**
 * Origins of layers that were built here, by diffID: the snapshot of such an image keeps real times, and a later build
 * on it must know which of them are not content. A layer from elsewhere has none.
 */
export interface LayerOrigins {
  find(diffIds: readonly Digest[]): TimeOrigin;
  put(diffId: Digest, origin: TimeOrigin): void;
}

export function openLayerOrigins(directory: string): LayerOrigins {
  const path = (diffId: Digest): string => join(directory, encoded(diffId));
  return {
    find: (diffIds) => joinOrigins(diffIds.map((diffId) => read(path(diffId)) ?? timesOfContent)),
    put(diffId, origin) {
      const known = read(path(diffId));
      const joined = JSON.stringify(joinOrigins(known === undefined ? [origin] : [known, origin]));
      if (known !== undefined && JSON.stringify(known) === joined) return;
      const temporary = `${path(diffId)}.${process.pid}`;
      writeFileSync(temporary, joined);
      renameSync(temporary, path(diffId));
    },
  };
}

function read(path: string): TimeOrigin | undefined {
  try {
    return parseOrigin(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return undefined;
  }
}
