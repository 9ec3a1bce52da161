import { createWriteStream, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { diskError, LighterError, systemErrorCode } from "#base";
import { partialPath } from "#host";

/**
 * Writes a file for its user alone, under another name until it is whole, so that a Ctrl-C leaves the earlier one. What
 * processes that were killed left under such names goes.
 */
export async function writeWhole(
  path: string,
  archive: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  removeLeftovers(path);
  const partial = partialPath(path);
  try {
    await pipeline(archive, createWriteStream(partial, { mode: 0o600 }), { signal });
    if (partial !== path) renameSync(partial, path);
  } catch (error) {
    if (partial !== path) rmSync(partial, { force: true });
    if (systemErrorCode(error) === "ENOENT")
      throw new LighterError("ARGUMENT_INVALID", `cannot write "${path}": there is no such directory`, {
        cause: error,
      });
    throw signal.aborted || systemErrorCode(error) === undefined
      ? error
      : diskError(error, { verb: "write", object: path });
  }
}

function removeLeftovers(path: string): void {
  const [folder, name] = [dirname(path), basename(path)];
  for (const entry of listNames(folder)) {
    const pid = /^\.(\d+)\.partial$/.exec(entry.startsWith(name) ? entry.slice(name.length) : "")?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(folder, entry), { force: true });
  }
}

/** A folder that cannot be read is told of when it is written to. */
function listNames(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return systemErrorCode(error) !== "ESRCH";
  }
}
