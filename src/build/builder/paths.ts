import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { diskError } from "#base";
import { hashKey } from "../solve/keys.ts";

/** Where builds keep what they know, below the root of the store. */
export interface BuildPaths {
  /** Cache records by key. */
  readonly cache: string;
  /** Locks by which equal steps run once. */
  readonly locks: string;
  /** Stat indexes, one per context directory. */
  readonly indexes: string;
  /** Directories of cache mounts. */
  readonly mounts: string;
  /** Where the times in layers that were built here come from, by diffID. */
  readonly origins: string;
  /** Times of the files of contexts. */
  readonly times: string;
  /** What the steps of the last build of each Dockerfile were made of. */
  readonly steps: string;
  /** What large copies of contexts gave last. */
  readonly copies: string;
  /** Files from the web. */
  readonly remote: string;
  /** A directory with nothing in it: the tree of `scratch`. */
  readonly empty: string;
  /** Sizes of snapshots, which never change. */
  readonly sizes: string;
  /** Bundles of running steps. */
  readonly run: string;
}

/** Makes the directories that are missing. */
export function openPaths(root: string): BuildPaths {
  const below = (name: string): string => join(root, "build", name);
  const paths: BuildPaths = {
    cache: below("cache"),
    locks: below("locks"),
    indexes: below("index"),
    mounts: below("mounts"),
    origins: below("origins"),
    times: below("times"),
    steps: below("steps"),
    copies: below("copies"),
    remote: below("remote"),
    sizes: below("sizes"),
    empty: below("empty"),
    run: join(root, "run"),
  };
  for (const path of Object.values(paths)) makeDirectory(path);
  // It is mounted for steps of any user.
  chmodSync(paths.empty, 0o755);
  return paths;
}

function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw diskError(error, { verb: "open", object: path });
  }
}

/** The stat index of a context directory. */
export function indexFile(paths: BuildPaths, context: string): string {
  return join(paths.indexes, hashKey(context).slice(0, 32));
}
