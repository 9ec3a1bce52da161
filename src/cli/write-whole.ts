import { createWriteStream, renameSync, rmSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { diskError, LighterError, systemErrorCode } from "#base";

/** Writes a file for its user alone, under another name until it is whole, so that a Ctrl-C leaves the earlier one. */
export async function writeWhole(
  path: string,
  archive: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  const partial = `${path}.${process.pid}.partial`;
  try {
    await pipeline(archive, createWriteStream(partial, { mode: 0o600 }), { signal });
    renameSync(partial, path);
  } catch (error) {
    rmSync(partial, { force: true });
    if (systemErrorCode(error) === "ENOENT")
      throw new LighterError("ARGUMENT_INVALID", `cannot write "${path}": there is no such directory`, {
        cause: error,
      });
    throw signal.aborted || systemErrorCode(error) === undefined
      ? error
      : diskError(error, { verb: "write", object: path });
  }
}
