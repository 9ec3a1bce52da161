import assert from "node:assert/strict";
import { lstatSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { entryOf } from "../tree/tree.ts";
import { FilePool } from "../work/file-pool.ts";
import { createEntryReader } from "./entry-sum.ts";
import { partBytes, sumFiles } from "./file-sums.ts";

const none = { listXattrs: () => [], getXattr: () => undefined };

test("threads and one thread give a file the same sum, whatever its length", async () => {
  const directory = mkdtempSync(join(tmpdir(), "lighter-sums-"));
  await using pool = new FilePool();
  try {
    const entries = [0, 1, partBytes - 1, partBytes, partBytes + 1, 2 * partBytes, 3 * partBytes + 7].map(
      (size) => {
        const path = join(directory, String(size));
        const bytes = Buffer.alloc(size, "0123456789abcdef!");
        writeFileSync(path, bytes);
        return entryOf(path, lstatSync(path));
      },
    );
    const sums = await sumFiles(entries, pool);
    assert.equal(sums.size, entries.length);
    const reader = createEntryReader(none);
    for (const entry of entries) assert.equal(sums.get(entry), reader.sum(entry), `${entry.sizeBytes} bytes`);
    assert.equal(new Set(sums.values()).size, entries.length);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("a file that cannot be read ends the work with the error of the system", async () => {
  await using pool = new FilePool();
  const job = { path: "/does/not/exist", offsetBytes: 0, sizeBytes: 1, isLast: true };
  await assert.rejects(pool.sum([job]), { code: "ENOENT" });
});
