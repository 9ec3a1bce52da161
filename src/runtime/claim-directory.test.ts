import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { lockClaim, lockDeadClaim, removeClaim, removeStrays } from "./claim-directory.ts";

function runDirectory(t: TestContext): string {
  const run = mkdtempSync(join(tmpdir(), "lighter-test-"));
  t.after(() => rmSync(run, { recursive: true }));
  return run;
}

/** Locks that are free, after `before` had its turn. */
function locks(before: (path: string) => void) {
  const tryAcquire = (path: string) => {
    before(path);
    writeFileSync(path, "");
    return { path, fd: 0, [Symbol.dispose]: () => {} };
  };
  return { locks: { tryAcquire, acquire: (path: string) => Promise.resolve(tryAcquire(path)) } };
}

test("a claim is seen when its lock is held, not before", (t) => {
  const run = runDirectory(t);
  const seen: boolean[] = [];
  const lock = lockClaim(
    locks(() => seen.push(existsSync(join(run, "one")))),
    join(run, "one"),
  );
  assert.ok(lock);
  assert.deepEqual(seen, [false]);
  assert.deepEqual(readdirSync(run), ["one"]);
});

test("a claim that another process makes at the same time is that process's", (t) => {
  const run = runDirectory(t);
  const paths: string[] = [];
  const host = locks((path) => {
    paths.push(path);
    if (paths.length > 1) return;
    mkdirSync(join(run, "one"));
    writeFileSync(join(run, "one/lock"), "");
  });
  lockClaim(host, join(run, "one"));
  assert.equal(paths.at(-1), join(run, "one/lock"));
  assert.deepEqual(readdirSync(run), ["one"]);
});

test("a removed claim is gone whole, and what a killed process left of one goes with the next sweep", (t) => {
  const run = runDirectory(t);
  lockClaim(
    locks(() => {}),
    join(run, "one"),
  );
  removeClaim(join(run, "one"));
  removeClaim(join(run, "one"));
  assert.deepEqual(readdirSync(run), []);
  const living = `.claim-${process.pid}-7`;
  for (const name of [".claim-99999999-1", living, ".crun"]) mkdirSync(join(run, name));
  removeStrays(run);
  assert.deepEqual(readdirSync(run).sort(), [living, ".crun"].sort());
});

test("the lock of a claim that is gone is nobody's", () => {
  const gone = () => {
    throw Object.assign(new Error("gone"), { code: "ENOENT" });
  };
  assert.equal(lockDeadClaim(locks(gone), "/nowhere/one"), undefined);
});
