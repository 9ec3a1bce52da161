import assert from "node:assert/strict";
import { test } from "node:test";
import { compileMode } from "./symbolic-mode.ts";

const octal = (mode: number): string => mode.toString(8);

// Each row: --chmod, mode of the source, whether it is a directory, mode of the copy, as BuildKit gives it.
const rows: readonly (readonly [number | string, number, boolean, string])[] = [
  [0o755, 0o600, false, "755"],
  [0o4711, 0o600, false, "4711"],
  ["go-w", 0o666, false, "644"],
  ["u=rw,g=r,o=r", 0o777, false, "644"],
  ["a+X", 0o644, false, "644"],
  ["a+X", 0o744, false, "755"],
  ["a+X", 0o600, true, "711"],
  ["+x", 0o640, false, "751"],
  ["u=rwX,go=rX", 0o600, false, "644"],
  ["u=rwX,go=rX", 0o600, true, "755"],
  ["g=u", 0o740, false, "770"],
  ["o=g-w", 0o763, false, "764"],
  ["u+s", 0o755, false, "4755"],
  ["g+s,a+t", 0o755, false, "3755"],
  ["o+t", 0o755, false, "755"],
  ["u-t", 0o1755, false, "755"],
  ["a=rX", 0o7777, false, "1555"],
  ["=t", 0o4755, false, "5755"],
  ["g=u", 0o2711, false, "2771"],
  ["u=g", 0o7777, false, "7777"],
  ["o=", 0o7777, false, "7770"],
  ["a=s", 0o1644, false, "7000"],
  ["o+s", 0o755, false, "755"],
  ["go=", 0o777, false, "700"],
  ["ug+rw-x", 0o111, false, "661"],
];

for (const [mode, source, isDirectory, expected] of rows)
  test(`${typeof mode === "number" ? octal(mode) : mode} of ${octal(source)}${isDirectory ? " (directory)" : ""} is ${expected}`, () => {
    assert.equal(octal(compileMode(mode)(source, isDirectory)), expected);
  });

for (const mode of ["", "u", "z=r", "u=q", "u+rw,,g=r"])
  test(`${JSON.stringify(mode)} is no mode`, () => {
    assert.throws(() => compileMode(mode), { code: "COPY_INVALID" });
  });
