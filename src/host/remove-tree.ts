import { existsSync, readdirSync, rmdirSync, rmSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { systemErrorCode } from "#base";

/**
 * Removes a directory that nobody else changes, with all that is in it; without effect when it is absent. For a few files this
 * takes a fifth of the time of `rmSync`, which tries each step and catches its failure.
 */
export function removeTree(path: string): void {
  try {
    empty(path);
  } catch {
    // What has a name that is no text, what somebody changed meanwhile, and what cannot be removed, with Node's words for it.
    rmSync(path, { recursive: true, force: true });
  }
}

/** Removes a file; without effect when it is absent. */
export function removeFile(path: string): void {
  // A call that fails takes longer than both of them.
  if (!existsSync(path)) return;
  try {
    unlinkSync(path);
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
  }
}

function empty(path: string): void {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const inner = join(path, entry.name);
    if (entry.isDirectory()) empty(inner);
    else unlinkSync(inner);
  }
  rmdirSync(path);
}
