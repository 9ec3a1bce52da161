import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { LighterError, systemErrorCode } from "#base";

/**
 * Writes a file so that others see it whole or not at all, even after a crash.
 * @throws STORE_FULL
 */
export function writeWhole(path: string, bytes: Uint8Array): void {
  const temporary = `${path}.${process.pid}.new`;
  try {
    const fd = openSync(temporary, "w", 0o644);
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw storeError(path, error);
  }
}

/** Says "no space left" in the engine's words; every other error stands as it is. */
export function storeError(path: string, error: unknown): unknown {
  const code = systemErrorCode(error);
  if (code !== "ENOSPC" && code !== "EDQUOT") return error;
  return new LighterError(
    "STORE_FULL",
    `cannot write "${path}": no space left; free some, or use another root`,
    {
      cause: error,
    },
  );
}
