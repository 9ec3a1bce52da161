import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

/** What the kept packages take. */
export interface PoolUsage {
  readonly packages: number;
  readonly sizeBytes: number;
}

/** Answers to which packages a recipe gets are small; those that nobody asked for in this time go when packages do. */
const answerAgeMs = 90 * 24 * 3_600_000;

/** Packages and unfinished downloads below `<root>/packages`. */
export function poolUsage(folder: string): PoolUsage {
  const files = listFiles(join(folder, "pool"));
  return { packages: files.length, sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
}

/**
 * Removes kept packages, those first that were used longest ago, until the others take no more than `keepBytes`. The caller
 * holds the lock of the folder.
 * @returns what was removed
 */
export function prunePool(
  folder: string,
  { keepBytes, now }: { readonly keepBytes: number; readonly now: Date },
): PoolUsage {
  const files = [...listFiles(join(folder, "pool"))].sort((a, b) => b.usedMs - a.usedMs);
  let keptBytes = 0;
  let packages = 0;
  let sizeBytes = 0;
  for (const file of files) {
    if (keptBytes + file.sizeBytes <= keepBytes) {
      keptBytes += file.sizeBytes;
      continue;
    }
    rmSync(file.path, { force: true });
    packages += 1;
    sizeBytes += file.sizeBytes;
  }
  for (const { path, usedMs } of listFiles(join(folder, "sets")))
    if (now.getTime() - usedMs > answerAgeMs) rmSync(path, { force: true });
  return { packages, sizeBytes };
}

interface KeptFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly usedMs: number;
}

function listFiles(folder: string): readonly KeptFile[] {
  let names: readonly string[] = [];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    const path = join(folder, name);
    const stats = statSync(path, { throwIfNoEntry: false });
    return stats?.isFile() === true ? [{ path, sizeBytes: stats.size, usedMs: stats.mtimeMs }] : [];
  });
}
