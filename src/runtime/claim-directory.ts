import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { errnoOf, type Host, type Lock, removeTree } from "#host";

type ClaimHost = Pick<Host, "locks">;

// A claim appears with its lock held and goes away whole, by a rename each: between the steps of making or removing one a
// sweep would take it for a dead owner's. What is being made or removed has a name like these.
const strayPattern = /^\.claim-(\d+)-\d+$/;
const mostTries = 100;
let strays = 0;

function strayName(directory: string): string {
  strays += 1;
  return join(dirname(directory), `.claim-${process.pid}-${strays}`);
}

/**
 * Makes the directory `<run>/<id>`, or takes over a dead owner's.
 * @returns its lock; undefined when a living process has it
 */
export function lockClaim(host: ClaimHost, directory: string): Lock | undefined {
  mkdirSync(dirname(directory), { recursive: true, mode: 0o711 });
  for (let tries = 1; ; tries += 1) {
    try {
      if (existsSync(directory)) return host.locks.tryAcquire(join(directory, "lock"), "exclusive");
      return makeClaim(host, directory);
    } catch (error) {
      // Somebody made or removed one under this name, or a sweep in another pid namespace took ours for a stray.
      if (!["EEXIST", "ENOTEMPTY", "ENOENT"].includes(codeOf(error)) || tries === mostTries) throw error;
    }
  }
}

function makeClaim(host: ClaimHost, directory: string): Lock | undefined {
  const made = strayName(directory);
  mkdirSync(made, { mode: 0o700 });
  const lock = host.locks.tryAcquire(join(made, "lock"), "exclusive");
  try {
    renameSync(made, directory);
    return lock;
  } catch (error) {
    lock?.[Symbol.dispose]();
    rmSync(made, { recursive: true, force: true });
    throw error;
  }
}

/** The lock of a dead owner's claim; undefined when the owner lives, or has just removed the claim itself. */
export function lockDeadClaim(host: ClaimHost, directory: string): Lock | undefined {
  try {
    return host.locks.tryAcquire(join(directory, "lock"), "exclusive");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** By who holds its lock; without effect when it is gone. */
export function removeClaim(directory: string): void {
  const removed = strayName(directory);
  try {
    renameSync(directory, removed);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return;
    throw error;
  }
  removeTree(removed);
}

/** What a process left that was killed in the middle of making or removing a claim. */
export function removeStrays(runDirectory: string): void {
  if (!existsSync(runDirectory)) return;
  for (const name of readdirSync(runDirectory)) {
    const pid = strayPattern.exec(name)?.[1];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    rmSync(join(runDirectory, name), { recursive: true, force: true });
  }
}

function codeOf(error: unknown): string {
  return errnoOf(error) ?? "";
}
