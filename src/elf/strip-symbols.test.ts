import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readElf, stripSymbols } from "./index.ts";

const hasCompiler = spawnSync("cc", ["--version"]).status === 0;
const source = `#include <stdio.h>
__attribute__((noinline)) static int named_inside(int x) { return x * 7; }
int main(int argc, char **argv) { printf("%d\\n", named_inside(argc + 5)); return 0; }
`;

test("a program without its symbols is smaller, runs and loads the same", {
  skip: !hasCompiler && "needs a C compiler",
}, () => {
  const folder = mkdtempSync(join(tmpdir(), "lighter-strip-"));
  try {
    writeFileSync(join(folder, "a.c"), source);
    for (const flags of [["-g"], ["-g", "-no-pie"], ["-g", "-static"], ["-g3", "-Wl,-z,noseparate-code"]]) {
      const built = spawnSync("cc", ["-o", "a", ...flags, "a.c"], { cwd: folder, encoding: "utf8" });
      assert.equal(built.status, 0, built.stderr);
      const whole = readFileSync(join(folder, "a"));
      const stripped = stripSymbols(whole);
      assert.ok(stripped !== undefined && stripped.length < whole.length, flags.join(" "));
      assert.equal(stripped.includes("named_inside"), false);
      assert.deepEqual(readElf(stripped), readElf(whole));
      assert.equal(stripSymbols(stripped), undefined, "nothing is left to take out");
      const path = join(folder, "stripped");
      writeFileSync(path, stripped);
      chmodSync(path, 0o755);
      assert.equal(spawnSync(path, { encoding: "utf8" }).stdout, "42\n", flags.join(" "));
      const read = spawnSync("readelf", ["-SW", path], { encoding: "utf8" });
      if (read.error === undefined) assert.equal(read.stderr, "");
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("what is no program, or damaged, is left alone", () => {
  const node = readFileSync(process.execPath).subarray(0, 1 << 16);
  for (const bytes of [Buffer.alloc(0), Buffer.from("#!/bin/sh\n"), Buffer.from("\x7fELF"), node])
    assert.equal(stripSymbols(bytes), undefined);
  for (let at = 16; at < 64; at += 1) {
    const damaged = Buffer.from(node.subarray(0, 4096));
    damaged.fill(0xff, at, at + 2);
    assert.doesNotThrow(() => stripSymbols(damaged));
  }
});
