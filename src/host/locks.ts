import { closeSync, constants, fstatSync, openSync, statSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { LighterError, systemErrorCode } from "#base";
import type { Lock, Locks } from "./host.ts";
import type { Sys } from "./sys.ts";
import { fileError, systemError } from "./system-error.ts";

const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;
const EAGAIN = -11;
const EINTR = -4;
const firstWaitMs = 1;
const longestWaitMs = 40;

/** Advisory locks by flock(2). */
export function createLocks(sys: Sys): Locks {
  const tryAcquire: Locks["tryAcquire"] = (path, mode) => tryLock(sys, path, mode);
  return {
    tryAcquire,
    async acquire(path, mode, signal) {
      for (let waitMs = firstWaitMs; ; waitMs = Math.min(longestWaitMs, waitMs * 2)) {
        if (signal?.aborted) throw cancelled(path);
        const lock = tryAcquire(path, mode);
        if (lock !== undefined) return lock;
        // Waiting in the kernel would hold a thread of libuv's pool and could not be cancelled.
        await delay(
          waitMs * (0.5 + Math.random() / 2),
          undefined,
          signal === undefined ? {} : { signal },
        ).catch(() => {});
      }
    },
  };
}

function tryLock(sys: Sys, path: string, mode: "shared" | "exclusive"): Lock | undefined {
  for (;;) {
    const fd = open(path);
    const result = flock(sys, fd, (mode === "shared" ? LOCK_SH : LOCK_EX) | LOCK_NB);
    if (result >= 0 && isStill(path, fd)) return heldLock(path, fd);
    closeSync(fd);
    if (result === EAGAIN) return undefined;
    if (result < 0) throw systemError(result, { verb: "lock", object: path });
  }
}

function open(path: string): number {
  try {
    return openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  } catch (error) {
    // A namespace (/proc/self/ns/net) opens only for reading, which is enough for flock.
    if (systemErrorCode(error) === "EPERM" && path.startsWith("/proc/")) return openSync(path, "r");
    const isDirectory = systemErrorCode(error) === "EISDIR";
    throw fileError(error, {
      verb: "open the lock",
      object: path,
      ...(isDirectory && { help: "remove that directory" }),
    });
  }
}

function flock(sys: Sys, fd: number, operation: number): number {
  let result = EINTR;
  while (result === EINTR) result = sys.flock(fd, operation);
  return result;
}

/** Whether `path` still names the locked file: a sweep may have removed it between open and flock. */
function isStill(path: string, fd: number): boolean {
  const locked = fstatSync(fd);
  const named = statSync(path, { throwIfNoEntry: false });
  return named !== undefined && named.ino === locked.ino && named.dev === locked.dev;
}

function heldLock(path: string, fd: number): Lock {
  let isHeld = true;
  return {
    path,
    fd,
    [Symbol.dispose]() {
      if (isHeld) closeSync(fd);
      isHeld = false;
    },
  };
}

function cancelled(path: string): LighterError {
  return new LighterError("CANCELLED", `cannot lock "${path}": cancelled while waiting for another process`);
}
