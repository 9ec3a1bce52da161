import assert from "node:assert/strict";
import {
  closeSync,
  ftruncateSync,
  lstatSync,
  mkdtempSync,
  openSync,
  rmSync,
  statfsSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createHost } from "#host";
import { type Entry, entryOf } from "../tree/tree.ts";
import { FilePool } from "../work/file-pool.ts";
import { createEntryReader } from "./entry-sum.ts";
import { joinParts, partBytes, sumFiles, sumText } from "./file-sums.ts";

const none = { listXattrs: () => [], getXattr: () => undefined };
const { files } = createHost();

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
    const sums = await sumFiles(entries, { pool, files, store: directory });
    assert.equal(sums.size, entries.length);
    const reader = createEntryReader(none);
    for (const entry of entries) assert.equal(sums.get(entry), reader.sum(entry), `${entry.sizeBytes} bytes`);
    assert.equal(new Set(sums.values()).size, entries.length);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("a file with holes has the sum of its zeros; holes are not read", async () => {
  const directory = mkdtempSync(join(tmpdir(), "lighter-sums-"));
  await using pool = new FilePool();
  try {
    const entryAt = (name: string): Entry => entryOf(join(directory, name), lstatSync(join(directory, name)));
    const bytes = Buffer.alloc(9 * partBytes + 5);
    const fd = openSync(join(directory, "sparse"), "w");
    for (const at of [0, 4 * partBytes - 1, 6 * partBytes + 77]) {
      bytes.write("data", at);
      writeSync(fd, "data", at);
    }
    ftruncateSync(fd, bytes.length);
    closeSync(fd);
    writeFileSync(join(directory, "dense"), bytes);
    writeFileSync(join(directory, "huge"), "");
    truncateSync(join(directory, "huge"), 2 ** 40);
    const [sparse, dense, huge] = [entryAt("sparse"), entryAt("dense"), entryAt("huge")];
    const sums = await sumFiles([sparse, dense], { pool, files, store: directory });
    assert.equal(sums.get(sparse), sums.get(dense));
    const disk = statfsSync(directory);
    const summing = sumFiles([huge], { pool, files, store: directory });
    if (disk.blocks * disk.bsize < 2 ** 40)
      await assert.rejects(summing, /more than the disk of the store holds/);
    else assert.equal((await summing).size, 1);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("no text has the sum of a file in parts", () => {
  const [a, b] = [sumText("a"), sumText("b")];
  const joined = joinParts([a, b]);
  for (const text of [`${a}${b}`, `${a}\n${b}`, `parts\n${a}\n${b}`])
    assert.notEqual(joinParts([sumText(text)]), joined);
  assert.equal(joinParts([a]), a);
  assert.notEqual(joined, joinParts([b, a]));
  assert.match(joined, /^2:/);
});

test("a file that cannot be read ends the work with the error of the system", async () => {
  await using pool = new FilePool();
  const job = { path: "/does/not/exist", offsetBytes: 0, sizeBytes: 1, isLast: true };
  await assert.rejects(pool.sum([job]), { code: "ENOENT" });
});
