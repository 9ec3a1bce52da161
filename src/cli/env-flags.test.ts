import assert from "node:assert/strict";
import { test } from "node:test";
import { givenEnv, resolvePairs } from "./env-flags.ts";

test("a name alone takes the caller's value; one that the caller has not stays alone, to take it away", () => {
  const caller = { HOME: "/home/ann" };
  assert.deepEqual(givenEnv(["A=1", "B=", "HOME", "NONE"], caller), ["A=1", "B=", "HOME=/home/ann", "NONE"]);
  assert.deepEqual(resolvePairs(["A=1", "HOME", "NONE"], caller), { A: "1", HOME: "/home/ann" });
  for (const text of ["", "=x"]) assert.throws(() => givenEnv([text], caller), { code: "USAGE" }, text);
});
