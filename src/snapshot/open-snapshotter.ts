import { chmodSync, mkdirSync } from "node:fs";
import { diskError } from "#base";
import type { Host } from "#host";
import type { LayerSource } from "./deferred-files.ts";
import { DirectorySnapshotter } from "./directory-snapshotter.ts";
import { snapshotPaths } from "./records.ts";
import type { Snapshotter } from "./snapshotter.ts";

/**
 * Opens the snapshots below `root`, making the directories when absent. Leftovers of dead processes go. `layers` is where
 * files lie that were left out of trees.
 * @throws STORE_UNUSABLE, STORE_FULL
 */
export function openSnapshotter(
  root: string,
  host: Pick<Host, "locks" | "files">,
  layers?: LayerSource,
): Snapshotter {
  const paths = snapshotPaths(root);
  try {
    // No user of this machine but the owner may enter: snapshots hold set-id programs and devices.
    for (const path of [paths.names, paths.active]) mkdirSync(path, { recursive: true, mode: 0o700 });
    chmodSync(paths.snapshots, 0o700);
  } catch (error) {
    throw diskError(error, { verb: "open the snapshots below", object: root });
  }
  const snapshotter = new DirectorySnapshotter(paths, host, layers);
  snapshotter.sweep();
  return snapshotter;
}
