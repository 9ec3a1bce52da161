import { renameSync, rmSync, writeFileSync } from "node:fs";
import { systemErrorCode } from "#base";

/** Writes a record of the build room whole: readers see what stood there before, or this. Not flushed: what a crash cuts is made anew. */
export function writeRecord(path: string, content: string | Uint8Array): void {
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, content);
  putInPlace(temporary, path);
}

/** Renames what was written. A directory that stands in the way is damage, as everything in this room may go. */
export function putInPlace(temporary: string, path: string): void {
  try {
    renameSync(temporary, path);
  } catch (error) {
    if (systemErrorCode(error) !== "EISDIR") throw error;
    rmSync(path, { recursive: true });
    renameSync(temporary, path);
  }
}
