import { statSync, utimesSync } from "node:fs";

const dayMs = 86_400_000;

/**
 * Makes the time of a file that of its last use, to the day: what has not been used for long is dropped when the cache is
 * pruned. A file that is not there, or a store that cannot be written to, is nobody's concern here.
 */
export function markUsed(path: string): void {
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined || Date.now() - stats.mtimeMs < dayMs) return;
    const now = Date.now() / 1000;
    utimesSync(path, now, now);
  } catch {
    // pruned meanwhile: it is made anew
  }
}
