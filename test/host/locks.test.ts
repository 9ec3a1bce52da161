import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isLighterError } from "#base";
import { createHost } from "#host";
import { temporaryDirectory } from "./machine.ts";

const { locks } = createHost();
const folder = temporaryDirectory("locks");
const path = join(folder, "lock");
const isFree = (): boolean => spawnSync("flock", ["-n", path, "true"]).status === 0;

test("an exclusive lock keeps other processes out until it is disposed", () => {
  {
    using lock = locks.tryAcquire(path, "exclusive");
    assert.ok(lock !== undefined);
    assert.equal(isFree(), false);
    assert.equal(locks.tryAcquire(path, "shared"), undefined);
  }
  assert.equal(isFree(), true);
});

test("shared locks live together", () => {
  using one = locks.tryAcquire(path, "shared");
  using two = locks.tryAcquire(path, "shared");
  assert.ok(one !== undefined && two !== undefined);
  assert.equal(locks.tryAcquire(path, "exclusive"), undefined);
});

test("waiting ends when the holder is killed", async () => {
  const holder = spawn("flock", ["-F", path, "sleep", "60"]);
  await once(holder, "spawn");
  while (isFree()) await new Promise((resolve) => setTimeout(resolve, 5));
  const waiting = locks.acquire(path, "exclusive");
  holder.kill("SIGKILL");
  using lock = await waiting;
  assert.equal(lock.path, path);
});

test("waiting can be cancelled", async () => {
  using held = locks.tryAcquire(path, "exclusive");
  assert.ok(held !== undefined);
  const abort = new AbortController();
  const waiting = locks.acquire(path, "exclusive", abort.signal);
  setTimeout(() => abort.abort(), 20);
  await assert.rejects(waiting, (error) => isLighterError(error, "CANCELLED"));
});

test("children do not inherit a lock", () => {
  const lock = locks.tryAcquire(path, "exclusive");
  const child = spawn("sleep", ["5"]);
  try {
    lock?.[Symbol.dispose]();
    assert.equal(isFree(), true);
  } finally {
    child.kill();
  }
});

test("a lock on a file that was removed meanwhile is not taken for the new file's", () => {
  using old = locks.tryAcquire(path, "exclusive");
  rmSync(path);
  using fresh = locks.tryAcquire(path, "exclusive");
  assert.ok(old !== undefined && fresh !== undefined);
});

test("a place that does not exist is told", () => {
  assert.throws(
    () => locks.tryAcquire(join(folder, "none/lock"), "shared"),
    /cannot open the lock ".*": no such file/,
  );
  mkdirSync(join(folder, "none"));
  locks.tryAcquire(join(folder, "none/lock"), "shared")?.[Symbol.dispose]();
});
