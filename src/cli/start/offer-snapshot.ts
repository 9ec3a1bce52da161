import { closeSync, existsSync, openSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { isQuick } from "./kind.ts";
import { launcherOf, noSnapshot, readIndex } from "./snapshot-index.ts";

// A snapshot takes a third of a second to make: not for every kind of command at once.
const restMs = 5_000;
// Its holder was killed.
const lockMs = 60_000;

/** Where a snapshot lacks this kind of command, one is made when the command is over, by a process of its own. */
export function offerSnapshot(home: string, kind: string): void {
  if (!isQuick(kind) || isNodeTold()) return;
  const program = join(home, "dist/cli/make-snapshot.js");
  if (!existsSync(launcherOf(home)) || !isWanted(home, kind)) return;
  const lock = join(home, "dist/cli/snapshot.lock");
  if (!takeLock(lock)) return;
  // It may have been made since.
  if (!isWanted(home, kind)) return rmSync(lock, { force: true });
  const { spawn } = process.getBuiltinModule("node:child_process");
  const { PATH } = process.env;
  spawn(process.execPath, [program, home], {
    detached: true,
    stdio: "ignore",
    cwd: "/",
    env: { ...(PATH !== undefined && { PATH }) },
  }).unref();
}

/** The launcher starts no command from a snapshot then. */
function isNodeTold(): boolean {
  return Object.keys(process.env).some((name) => name.startsWith("NODE_") && name !== "NODE_EXTRA_CA_CERTS");
}

/** A command that was started as ever, though the snapshot has its kind, was not started by the launcher. */
function isWanted(home: string, kind: string): boolean {
  const index = readIndex(home);
  if (index === undefined) return true;
  const hasIt = index.snapshot === noSnapshot || index.kinds.includes(kind);
  return Date.now() - index.mtimeMs > restMs && !(index.isCurrent && hasIt);
}

function takeLock(path: string): boolean {
  try {
    closeSync(openSync(path, "wx"));
    return true;
  } catch {
    const { mtimeMs } = statSync(path, { throwIfNoEntry: false }) ?? { mtimeMs: Date.now() };
    if (Date.now() - mtimeMs > lockMs) rmSync(path, { force: true }); // the next command takes it
    return false;
  }
}
