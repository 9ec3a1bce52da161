import { lstatSync, readdirSync, type Stats } from "node:fs";
import { join } from "node:path";

/** The sizes of all files below a directory; one with several names counts once. What vanishes meanwhile counts nothing. */
export function directoryBytes(directory: string): number {
  const seen = new Set<string>();
  let sum = 0;
  const add = (stat: Stats): void => {
    if (!stat.isFile() && !stat.isSymbolicLink()) return;
    const key = `${stat.dev}:${stat.ino}`;
    if (stat.nlink > 1 && seen.has(key)) return;
    seen.add(key);
    sum += stat.size;
  };
  const walk = (path: string): void => {
    for (const name of list(path)) {
      const stat = lstatSync(join(path, name), { throwIfNoEntry: false });
      if (stat?.isDirectory() === true) walk(join(path, name));
      else if (stat !== undefined) add(stat);
    }
  };
  walk(directory);
  return sum;
}

function list(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
