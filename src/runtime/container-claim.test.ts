import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { claimContainer } from "./container-claim.ts";

/** A lock that somebody else has the first times it is tried. */
function lockHeld(times: number) {
  let tries = 0;
  const lock = { path: "lock", fd: 0, [Symbol.dispose]: () => {} };
  return {
    locks: {
      tryAcquire: () => (tries++ < times ? undefined : lock),
      acquire: () => Promise.resolve(lock),
    },
    tried: () => tries,
  };
}

test("a claim that a sweep takes for a dead one is made again", (t) => {
  const run = mkdtempSync(join(tmpdir(), "lighter-test-"));
  t.after(() => rmSync(run, { recursive: true }));
  const host = lockHeld(3);
  using claim = claimContainer(host, run, "one");
  assert.equal(claim.id, "one");
  assert.equal(host.tried(), 4);
});

test("a claim that was there before is its owner's", (t) => {
  const run = mkdtempSync(join(tmpdir(), "lighter-test-"));
  t.after(() => rmSync(run, { recursive: true }));
  mkdirSync(join(run, "one"));
  const host = lockHeld(3);
  assert.throws(() => claimContainer(host, run, "one"), { code: "CONTAINER_NAME_USED" });
  assert.equal(host.tried(), 1);
});
