import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCall } from "./call-flag.ts";

test("parseCall() reads what docker writes", () => {
  const plain = { method: "build", format: "text", ignoresStatus: false };
  assert.deepEqual(parseCall("build"), plain);
  assert.deepEqual(parseCall("lint"), { ...plain, method: "check" });
  assert.deepEqual(parseCall("check,format=json"), { ...plain, method: "check", format: "json" });
  assert.deepEqual(parseCall("format=text,ignorestatus=true,check"), {
    ...plain,
    method: "check",
    ignoresStatus: true,
  });
});

test("parseCall() refuses what it does not know", () => {
  assert.throws(() => parseCall("nonsense"), /want one of build, check, lint, outline, targets/);
  assert.throws(() => parseCall("check,outline"), /want one of/);
  for (const text of ["check,format=xml", "check,ignorestatus=maybe", "targets,x=1"])
    assert.throws(() => parseCall(text), { code: "ARGUMENT_INVALID", message: /it does not know/ }, text);
});
