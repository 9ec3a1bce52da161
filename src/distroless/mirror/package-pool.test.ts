import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { poolUsage, prunePool } from "./package-pool.ts";

test("packages that were used longest ago go first", () => {
  const folder = mkdtempSync(join(tmpdir(), "lighter-pool-"));
  try {
    assert.deepEqual(poolUsage(folder), { packages: 0, sizeBytes: 0 });
    for (const part of ["pool", "sets"]) mkdirSync(join(folder, part));
    const now = new Date("2026-11-20T00:00:00Z");
    const write = (path: string, sizeBytes: number, daysAgo: number) => {
      writeFileSync(join(folder, path), Buffer.alloc(sizeBytes));
      const used = now.getTime() / 1000 - daysAgo * 86_400;
      utimesSync(join(folder, path), used, used);
    };
    write("pool/old.deb", 100, 9);
    write("pool/new.deb", 50, 1);
    write("pool/mid.deb", 60, 5);
    write("pool/begun.deb.part", 10, 2);
    write("sets/old.json", 1, 100);
    write("sets/new.json", 1, 10);
    assert.deepEqual(poolUsage(folder), { packages: 4, sizeBytes: 220 });
    assert.deepEqual(prunePool(folder, { keepBytes: 120, now }), { packages: 1, sizeBytes: 100 });
    assert.deepEqual(readdirSync(join(folder, "pool")).sort(), ["begun.deb.part", "mid.deb", "new.deb"]);
    assert.deepEqual(readdirSync(join(folder, "sets")), ["new.json"]);
    assert.deepEqual(prunePool(folder, { keepBytes: 0, now }), { packages: 3, sizeBytes: 120 });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
