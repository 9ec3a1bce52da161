import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { sha256 } from "./sha256.ts";

for (const size of [0, 1, 55, 56, 63, 64, 65, 10_000, 5 << 20])
  test(`${size} bytes have the sum that node:crypto gives`, () => {
    const bytes = Buffer.alloc(size, "lighter");
    assert.equal(sha256(bytes), createHash("sha256").update(bytes).digest("hex"));
    // A part of a larger memory.
    const part = Buffer.concat([Buffer.from("before"), bytes, Buffer.from("after")]).subarray(6, 6 + size);
    assert.equal(sha256(part), sha256(bytes));
  });

test("a text is its UTF-8", () => {
  assert.equal(sha256("grüße"), createHash("sha256").update("grüße").digest("hex"));
});
