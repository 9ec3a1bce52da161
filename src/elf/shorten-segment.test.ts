import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readElf, shortenSegment } from "./index.ts";

const hasCompiler = spawnSync("cc", ["--version"]).status === 0;

/** One large table, as ICU's library of data is, and data that stand behind it in the file. */
const library = `const char table[300000] __attribute__((aligned(16))) = "BEGIN of the table";
static int behind = 7; int *place = &behind;
`;
const program = `#include <stdio.h>
extern const char table[]; extern int *place;
int main(void) { printf("%s %d\\n", table, *place); return 0; }
`;

test("a library with a shorter table is loaded, and what stood behind the table is found", {
  skip: !hasCompiler && "needs a C compiler",
}, () => {
  const folder = mkdtempSync(join(tmpdir(), "lighter-shorten-"));
  const run = (command: string, ...args: readonly string[]) => {
    const done = spawnSync(command, args, { cwd: folder, encoding: "utf8" });
    assert.equal(done.status, 0, done.stderr);
    return done.stdout;
  };
  try {
    writeFileSync(join(folder, "table.c"), library);
    writeFileSync(join(folder, "main.c"), program);
    const path = join(folder, "libtable.so");
    for (const page of ["4096", "65536"]) {
      run("cc", "-shared", "-fPIC", `-Wl,-z,max-page-size=${page}`, "-o", path, "table.c");
      run("cc", "-fPIC", "-o", "main", "main.c", "-L.", "-ltable", "-Wl,-rpath,$ORIGIN");
      assert.equal(run("./main"), "BEGIN of the table 7\n");
      const whole = readFileSync(path);
      const at = whole.indexOf("BEGIN");
      const shortened = shortenSegment(whole, at, Buffer.from("a shorter table\0"));
      assert.ok(shortened !== undefined && shortened.length < whole.length - 150_000, page);
      assert.deepEqual(readElf(shortened), readElf(whole));
      writeFileSync(path, shortened);
      assert.equal(run("./main"), "a shorter table 7\n", page);
      assert.equal(shortenSegment(whole, at, Buffer.alloc(400_000)), undefined, "no longer one");
      assert.equal(shortenSegment(whole, whole.length, Buffer.alloc(1)), undefined, "not behind the end");
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("what is no library, or damaged, is left alone", () => {
  const node = readFileSync(process.execPath).subarray(0, 1 << 16);
  for (const bytes of [Buffer.alloc(0), Buffer.from("#!/bin/sh\n"), Buffer.from("\x7fELF")])
    assert.equal(shortenSegment(bytes, 4, Buffer.alloc(1)), undefined);
  for (let at = 16; at < 512; at += 1) {
    const damaged = Buffer.from(node.subarray(0, 4096));
    damaged.fill(0xff, at, at + 2);
    assert.doesNotThrow(() => shortenSegment(damaged, 2048, Buffer.alloc(1)));
  }
});
