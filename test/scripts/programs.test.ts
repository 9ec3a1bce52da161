import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

interface Manifest {
  readonly [arch: string]: {
    readonly sources: string;
    readonly sha256: string;
    readonly compiler: string;
  };
}

const read = (folder: string): Manifest => JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8"));
const digest = (data: string | Buffer): string => createHash("sha256").update(data).digest("hex");

for (const program of ["monitor", "resolver"]) {
  test(`the binaries of ${program} in git are of the sources beside them`, () => {
    const names = readdirSync(program)
      .filter((name) => name.endsWith(".c"))
      .sort();
    const sources = digest(
      [...names, `${program}.h`].map((name) => readFileSync(join(program, name), "utf8")).join("\n"),
    );
    const hint = "run node scripts/build-programs.mjs --prebuilt";
    for (const [arch, { sha256, sources: built }] of Object.entries(read(`${program}/prebuilt`))) {
      assert.equal(built, sources, `${arch}: ${hint}`);
      const binary = readFileSync(`${program}/prebuilt/lighter-${program}-${arch}`);
      assert.equal(digest(binary), sha256, `${arch}: ${hint}`);
    }
  });
}

test("the same compiler makes the same bytes", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "lighter-programs-"));
  try {
    const { status } = spawnSync(process.execPath, ["scripts/build-programs.mjs", "--into", folder]);
    assert.equal(status, 0);
    let compared = 0;
    for (const program of ["monitor", "resolver"]) {
      const [kept, made] = [read(`${program}/prebuilt`), read(join(folder, program))];
      for (const arch of Object.keys(made).filter((one) => made[one]?.compiler === kept[one]?.compiler)) {
        assert.equal(made[arch]?.sha256, kept[arch]?.sha256, `${program} ${arch}`);
        compared += 1;
      }
    }
    if (compared === 0) t.skip("needs the compiler that manifest.json names");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
