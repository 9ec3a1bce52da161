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

test("the monitors in git are of the sources beside them", () => {
  const names = readdirSync("monitor")
    .filter((name) => name.endsWith(".c"))
    .sort();
  const sources = digest(
    [...names, "monitor.h"].map((name) => readFileSync(join("monitor", name), "utf8")).join("\n"),
  );
  const hint = "run node scripts/build-monitor.mjs --prebuilt";
  for (const [arch, { sha256, sources: built }] of Object.entries(read("monitor/prebuilt"))) {
    assert.equal(built, sources, `${arch}: ${hint}`);
    assert.equal(
      digest(readFileSync(`monitor/prebuilt/lighter-monitor-${arch}`)),
      sha256,
      `${arch}: ${hint}`,
    );
  }
});

test("the same compiler makes the same bytes", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "lighter-monitor-"));
  try {
    const { status } = spawnSync(process.execPath, ["scripts/build-monitor.mjs", "--into", folder]);
    assert.equal(status, 0);
    const [kept, made] = [read("monitor/prebuilt"), read(folder)];
    const same = Object.keys(made).filter((arch) => made[arch]?.compiler === kept[arch]?.compiler);
    if (same.length === 0) return t.skip("needs the compiler that manifest.json names");
    for (const arch of same) assert.equal(made[arch]?.sha256, kept[arch]?.sha256, arch);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
