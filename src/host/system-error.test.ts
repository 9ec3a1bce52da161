import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { isLighterError } from "#base";
import { errnoOf, fileError, systemError } from "./system-error.ts";

const errors = [
  [-2, "SYSTEM_CALL_FAILED", 'cannot mount "/x": no such file or directory (ENOENT)'],
  [
    -28,
    "STORE_FULL",
    'cannot mount "/x": no space left on device (ENOSPC); free some space or choose another root',
  ],
  [
    -38,
    "KERNEL_UNSUPPORTED",
    'cannot mount "/x": function not implemented (ENOSYS); this kernel does not have the call',
  ],
  [-9999, "SYSTEM_CALL_FAILED", 'cannot mount "/x": error 9999 (E9999)'],
] as const;

for (const [result, code, message] of errors)
  test(message, () => {
    const error = systemError(result, { verb: "mount", object: "/x" });
    assert.equal(error.message, message);
    assert.equal(error.code, code);
  });

test("the errno of an error of this room and of node:fs", () => {
  assert.equal(errnoOf(systemError(-13, { verb: "open", object: "/x" })), "EACCES");
  assert.equal(errnoOf(Object.assign(new Error(), { code: "EXDEV" })), "EXDEV");
  assert.equal(errnoOf(new Error()), undefined);
});

test("an error of node:fs gets the house's form and stays its cause", () => {
  const attempt = { verb: "open", object: "/nope" };
  try {
    readFileSync("/nope");
    assert.fail();
  } catch (error) {
    const told = fileError(error, attempt);
    assert.ok(isLighterError(told, "SYSTEM_CALL_FAILED"));
    assert.equal(told.message, 'cannot open "/nope": no such file or directory (ENOENT)');
    assert.equal(told.cause, error);
  }
  assert.equal(fileError(7, attempt), 7);
});
