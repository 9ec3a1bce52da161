import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

interface Lock {
  packages: Record<
    string,
    { optionalDependencies?: Record<string, string>; optional?: boolean; os?: string[] }
  >;
}

function complete(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), "lighter-lock-"));
  const path = join(folder, "package-lock.json");
  writeFileSync(path, text);
  const { status, stderr } = spawnSync(process.execPath, ["scripts/complete-lock.mjs", path], {
    encoding: "utf8",
  });
  const result = readFileSync(path, "utf8");
  rmSync(folder, { recursive: true });
  assert.equal(status, 0, stderr);
  return result;
}

test("package-lock.json is complete: npm ci takes it on every platform", () => {
  const text = readFileSync("package-lock.json", "utf8");
  assert.equal(complete(text), text, "run node scripts/complete-lock.mjs");
});

test("what a lock lacks comes back, with its platform", () => {
  const lock: Lock = JSON.parse(readFileSync("package-lock.json", "utf8"));
  const path = "node_modules/@oxlint/binding-linux-x64-musl";
  assert.deepEqual(lock.packages[path]?.os, ["linux"]);
  const { [path]: _, ...rest } = lock.packages;
  const cut = `${JSON.stringify({ ...lock, packages: rest }, null, 2)}\n`;
  assert.equal(complete(cut), readFileSync("package-lock.json", "utf8"));
});
