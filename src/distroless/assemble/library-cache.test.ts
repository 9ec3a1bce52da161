import assert from "node:assert/strict";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { test } from "node:test";
import { readSharedLibrary } from "./elf-soname.ts";
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

const libc = "/lib/x86_64-linux-gnu/libc.so.6";

test("the soname of a library", { skip: !existsSync(libc) && `${libc} is absent` }, () => {
  const bytes = readFileSync(realpathSync(libc));
  assert.deepEqual(readSharedLibrary(bytes), { soname: "libc.so.6", machine: 62 });
  assert.equal(readSharedLibrary(Buffer.from("GROUP ( /lib/libc.so.6 )")), undefined);
  assert.equal(readSharedLibrary(Buffer.alloc(0)), undefined);
});

test("a damaged library is none, and ends no assembly", {
  skip: !existsSync(libc) && `${libc} is absent`,
}, () => {
  const bytes = readFileSync(realpathSync(libc));
  for (const length of [4, 10, 63, 64, 200])
    assert.equal(readSharedLibrary(bytes.subarray(0, length)), undefined);
  const wild = Buffer.from(bytes.subarray(0, 4096));
  wild.fill(0xff, 64);
  assert.equal(readSharedLibrary(wild)?.soname, undefined);
});
