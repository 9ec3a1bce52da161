import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { HashThread } from "./hash-thread.ts";

const mebibyte = 1 << 20;
for (const { chunk, count } of [
  { chunk: 1, count: 0 },
  { chunk: 7, count: 3 },
  { chunk: mebibyte, count: 4 },
  { chunk: mebibyte - 1, count: 5 },
  { chunk: 3 * mebibyte + 5, count: 9 },
  { chunk: 40 * mebibyte, count: 1 },
])
  test(`${count} chunks of ${chunk} bytes have the digest that hashing in one piece gives`, () => {
    const hash = createHash("sha256");
    using thread = new HashThread();
    for (let at = 0; at < count; at += 1) {
      const bytes = Buffer.alloc(chunk, at + 1);
      hash.update(bytes);
      thread.update(bytes);
      // The memory is the caller's again.
      bytes.fill(0);
    }
    assert.equal(thread.sizeBytes, chunk * count);
    assert.equal(thread.digest(), `sha256:${hash.digest("hex")}`);
  });
