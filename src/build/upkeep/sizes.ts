import { lstatSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { isComplete } from "#snapshot";

/** Bytes on disk below a directory; a file with several names counts once. */
export function measure(directory: string): number {
  const seen = new Set<string>();
  let total = 0;
  const waiting = [directory];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats === undefined) continue;
    const key = `${stats.dev}:${stats.ino}`;
    if (!stats.isDirectory() && stats.nlink > 1 && seen.has(key)) continue;
    seen.add(key);
    total += stats.blocks * 512;
    if (stats.isDirectory()) for (const name of names(path)) waiting.push(`${path}/${name}`);
  }
  return total;
}

/** A directory may go while it is looked at. */
function names(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** Sizes of the directories of committed snapshots: each is measured once. */
export class SnapshotSizes {
  readonly #directory: string;
  readonly #known = new Map<string, number>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  of(layer: string): number {
    const known = this.#known.get(layer) ?? this.#read(layer);
    const size = known ?? this.#measured(layer);
    this.#known.set(layer, size);
    return size;
  }

  #read(layer: string): number | undefined {
    try {
      const size = Number(readFileSync(this.#file(layer), "utf8"));
      return Number.isSafeInteger(size) && size >= 0 ? size : undefined;
    } catch {
      return undefined;
    }
  }

  #measured(layer: string): number {
    const size = measure(layer);
    // It grows when somebody asks for its files.
    if (!isComplete(layer)) return size;
    writeFileSync(this.#file(layer), String(size));
    return size;
  }

  /** Snapshots have random ids, which are the names of the directories around their trees. */
  #file(layer: string): string {
    return join(this.#directory, basename(dirname(layer)));
  }
}
