import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { SnapshotName, Snapshotter } from "#snapshot";
import type { ContextSource } from "../context/context-source.ts";
import { StatIndex } from "../key/stat-index.ts";
import { hashKey } from "../solve/keys.ts";
import { markUsed } from "../upkeep/last-use.ts";
import { writeRecord } from "../upkeep/write-record.ts";

/** What one copy of a context gave the last time, so that unchanged files need not be copied again. */
export interface EarlierCopies {
  /**
   * By the place that the copy goes to: says where in an earlier snapshot a file with the bytes of `source` lies.
   * Undefined when there is no earlier copy.
   */
  open(target: string): ((source: string, target: string) => string | undefined) | undefined;
  /** Remembers what this copy gave. */
  keep(snapshot: SnapshotName): void;
}

/**
 * Copies of one source of one context by one instruction. The same instruction lays the same source at the same place, so
 * a file of the earlier snapshot is known by its path, and its bytes by the sum that the context's index had then.
 */
export function openEarlierCopies(
  directory: string,
  copy: { readonly operation: string; readonly source: ContextSource; readonly snapshots: Snapshotter },
): EarlierCopies {
  const { operation, source, snapshots } = copy;
  const indexOf = (snapshot: SnapshotName): string => join(directory, `${snapshot}.index`);
  let pointer: string | undefined;
  let before: SnapshotName | undefined;
  return {
    open(target) {
      pointer = join(directory, hashKey(operation, source.root, target).slice(0, 32));
      before = load(pointer, snapshots);
      if (before === undefined) return undefined;
      const tree = snapshots.changes(before);
      const sums = StatIndex.open(indexOf(before)).sums();
      return (path, to) => {
        const sum = sums.get(path);
        return sum !== undefined && sum === source.findSum(path) ? `${tree}/${to}` : undefined;
      };
    },
    keep(snapshot) {
      if (pointer === undefined) return;
      // The index comes when the build ends: a snapshot without one says nothing.
      source.keepAs(indexOf(snapshot));
      writeRecord(pointer, snapshot);
      if (before !== undefined) rmSync(indexOf(before), { force: true });
    },
  };
}

function load(file: string, snapshots: Snapshotter): SnapshotName | undefined {
  try {
    markUsed(file);
    return snapshots.find(readFileSync(file, "utf8"));
  } catch {
    return undefined; // no earlier copy
  }
}
