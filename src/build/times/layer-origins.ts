import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Digest, encoded } from "#oci";
import { writeRecord } from "../upkeep/write-record.ts";
import { joinOrigins, originOfBase, parseOrigin, type TimeOrigin, timesOfContent } from "./time-origin.ts";

/**
 * Origins of layers that were built here, by diffID: the snapshot of such an image keeps real times, and a later build
 * on it must know which of them are not content. A layer from elsewhere has none.
 */
export interface LayerOrigins {
  /** The origin of a base image of these layers. */
  find(diffIds: readonly Digest[]): TimeOrigin;
  /** `epochSeconds` is what stands in the layer instead of times that are the machine's. */
  put(diffId: Digest, origin: TimeOrigin, epochSeconds: number): void;
}

export function openLayerOrigins(directory: string): LayerOrigins {
  const path = (diffId: Digest): string => join(directory, encoded(diffId));
  return {
    find: (diffIds) =>
      joinOrigins(
        diffIds.map((diffId) => {
          const known = readLayerOrigin(path(diffId));
          return known === undefined ? timesOfContent : originOfBase(known.origin, known.epochSeconds);
        }),
      ),
    put(diffId, origin, epochSeconds) {
      const known = readLayerOrigin(path(diffId));
      // A layer with such times in it has its epoch in its digest: of two that differ none has.
      const joined: LayerOrigin = {
        epochSeconds: known?.epochSeconds ?? epochSeconds,
        origin: joinOrigins(known === undefined ? [origin] : [known.origin, origin]),
      };
      if (known !== undefined && JSON.stringify(known) === JSON.stringify(joined)) return;
      writeRecord(path(diffId), JSON.stringify(joined));
    },
  };
}

interface LayerOrigin {
  readonly epochSeconds: number;
  readonly origin: TimeOrigin;
}

/** What a file of theirs says; undefined when a crash cut it. */
export function readLayerOrigin(path: string): LayerOrigin | undefined {
  try {
    const { epochSeconds, origin } = JSON.parse(readFileSync(path, "utf8"));
    const parsed = parseOrigin(origin);
    return parsed === undefined || typeof epochSeconds !== "number"
      ? undefined
      : { epochSeconds, origin: parsed };
  } catch {
    return undefined;
  }
}
