import { LighterError } from "#base";
import type { Lock, Locks } from "#host";

const waitMs = 2;
const patienceMs = 30_000;

/**
 * Takes a lock that others hold for milliseconds only, without giving up the thread, so that a change of a small file can
 * be one synchronous step.
 * @throws STORE_UNUSABLE after 30 seconds
 */
export function lockNow(locks: Locks, path: string): Lock {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  for (let waitedMs = 0; waitedMs < patienceMs; waitedMs += waitMs) {
    const lock = locks.tryAcquire(path, "exclusive");
    if (lock !== undefined) return lock;
    Atomics.wait(cell, 0, 0, waitMs);
  }
  throw new LighterError(
    "STORE_UNUSABLE",
    `cannot lock "${path}": another process holds it for over 30 seconds; end that process`,
  );
}
