import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isLighterError } from "#base";
import { createHost } from "#host";
import { temporaryDirectory } from "./machine.ts";

const { locks } = createHost();

// This file starts itself again as processes that count together.
const counter = process.env["LIGHTER_TEST_COUNT"];
if (counter === undefined) defineTests();
else await count(counter);

async function count(path: string): Promise<void> {
  for (let times = 0; times < 50; times += 1) {
    using _lock = await locks.acquire(`${path}.lock`, "exclusive");
    const number = Number(readFileSync(path, "utf8"));
    writeFileSync(path, String(number + 1));
  }
}

function defineTests(): void {
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

  test("four processes that count under the lock lose nothing", async () => {
    const counter = join(folder, "counter");
    writeFileSync(counter, "0");
    const counted = Array.from({ length: 4 }, async () => {
      const child = spawn(process.execPath, [process.argv[1] ?? ""], {
        env: { ...process.env, LIGHTER_TEST_COUNT: counter },
        stdio: "inherit",
      });
      const [status] = await once(child, "exit");
      assert.equal(status, 0);
    });
    await Promise.all(counted);
    assert.equal(readFileSync(counter, "utf8"), "200");
  });
}
