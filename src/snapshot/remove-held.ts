import { readdirSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { systemErrorCode } from "#base";

/** The file in a snapshot's directory whose lock its owner holds. */
export const lockFile = "lock";

/**
 * Removes a directory of which this process holds the lock. The lock's file goes last: a sweep of another process that looks for
 * it from then on makes one anew, finds the directory its own, and removes it.
 */
export function removeHeld(directory: string): void {
  for (const name of namesIn(directory))
    if (name !== lockFile) rmSync(join(directory, name), { recursive: true, force: true });
  rmSync(join(directory, lockFile), { force: true });
  try {
    rmdirSync(directory);
  } catch (error) {
    if (!["ENOENT", "ENOTEMPTY"].includes(systemErrorCode(error) ?? "")) throw error;
  }
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return [];
    throw error;
  }
}
