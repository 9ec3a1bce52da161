import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { claimContainer } from "./container-claim.ts";

test("a claim whose lock somebody has is its owner's", (t) => {
  const run = mkdtempSync(join(tmpdir(), "lighter-test-"));
  t.after(() => rmSync(run, { recursive: true }));
  mkdirSync(join(run, "one"));
  const host = { locks: { tryAcquire: () => undefined, acquire: () => Promise.reject(new Error("held")) } };
  assert.throws(() => claimContainer(host, run, "one"), { code: "CONTAINER_NAME_USED" });
});
