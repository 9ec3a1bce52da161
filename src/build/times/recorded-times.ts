import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { hashKey } from "../solve/keys.ts";
import { markUsed } from "../upkeep/last-use.ts";
import { writeRecord } from "../upkeep/write-record.ts";

/**
 * Times in seconds, one file per set: whole ones of the files of contexts when they were copied, and those of the members of
 * archives. Snapshots keep real times, for make and cargo compare them; with the sets a layer can tell the times of a checkout
 * from those that came with content, also where `mv` and `cp -p` took them.
 */
export interface RecordedTimes {
  /** @returns the set's name; undefined for an empty one */
  put(seconds: ReadonlySet<number>): string | undefined;
  /** The union of sets. */
  load(names: readonly string[]): ReadonlySet<number>;
}

export function openRecordedTimes(directory: string): RecordedTimes {
  return {
    put(seconds) {
      if (seconds.size === 0) return undefined;
      const text = JSON.stringify([...seconds].sort((a, b) => a - b));
      const name = hashKey(text).slice(0, 32);
      const path = join(directory, name);
      markUsed(path);
      if (statSync(path, { throwIfNoEntry: false })?.size === text.length) return name;
      writeRecord(path, text);
      return name;
    },
    load: (names) => new Set(names.flatMap((name) => read(join(directory, name)))),
  };
}

function read(path: string): readonly number[] {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return []; // lost with the rest of the build state: the layer carries real times then
  }
}
