import assert from "node:assert/strict";
import { test } from "node:test";
import { compareLibraryNames } from "./library-cache.ts";

test("glibc's order of library names", () => {
  const rows = [
    ["libc.so.6", "libc.so.6", 0],
    ["libfoo.so.9", "libfoo.so.10", -1],
    ["libfoo.so.10", "libfoo.so.9", 1],
    ["liba.so.1", "libb.so.1", -1],
    ["lib1.so", "liba.so", 1],
    ["liba.so", "liba.so.1", -1],
    ["liba.so.1", "liba.so", 1],
  ] as const;
  for (const [a, b, expected] of rows)
    assert.equal(Math.sign(compareLibraryNames(a, b)), expected, `${a}, ${b}`);
});
