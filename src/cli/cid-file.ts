import { closeSync, openSync, unlinkSync, writeSync } from "node:fs";
import { LighterError, systemErrorCode } from "#base";

/** A file for a container's ID; without one that was asked for, nothing. An ID that never came leaves no file. */
export function cidFile(asked: string | undefined): Disposable & { write(id: string): void } {
  const path = asked || undefined;
  const fd = path === undefined ? undefined : open(path);
  let isWritten = false;
  return {
    write(id) {
      if (fd !== undefined) writeSync(fd, id);
      isWritten = true;
    },
    [Symbol.dispose]() {
      if (fd !== undefined) closeSync(fd);
      if (path !== undefined && !isWritten) unlinkSync(path);
    },
  };
}

function open(path: string): number {
  try {
    return openSync(path, "wx", 0o644);
  } catch (error) {
    const exists = systemErrorCode(error) === "EEXIST";
    throw new LighterError(
      "ARGUMENT_INVALID",
      exists
        ? `cannot write the container's ID to "${path}": the file exists already; remove it or name another`
        : `cannot write the container's ID to "${path}": ${systemErrorCode(error) ?? String(error)}`,
    );
  }
}
