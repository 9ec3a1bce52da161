import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { splitXz } from "./xz-blocks.ts";

const xz = (input: Uint8Array, ...args: readonly string[]) =>
  spawnSync("xz", ["-c", ...args], { input, maxBuffer: 1 << 26 });
const hasXz = spawnSync("xz", ["--version"]).status === 0;
const content = Buffer.from(Array.from({ length: 60_000 }, (_, i) => `line ${i}\n`).join(""));

test("each block decodes by itself, and together they are the whole", {
  skip: !hasXz && "xz is not installed",
}, () => {
  for (const check of ["crc32", "crc64", "sha256", "none"]) {
    const packed = xz(content, "-0", "--block-size=100000", `--check=${check}`).stdout;
    const parts = splitXz(packed) ?? [];
    assert.equal(parts.length, Math.ceil(content.length / 100_000));
    const decoded = parts.map(({ bytes, sizeBytes }) => {
      const { status, stdout, stderr } = xz(bytes, "-d");
      assert.equal(status, 0, stderr.toString());
      assert.equal(stdout.length, sizeBytes);
      return stdout;
    });
    assert.ok(Buffer.concat(decoded).equals(content), check);
  }
});

test("what is laid out otherwise, or damaged, is not split", {
  skip: !hasXz && "xz is not installed",
}, () => {
  const packed = xz(content, "-0", "--block-size=100000").stdout;
  const changed = (at: number) => {
    const copy = Buffer.from(packed);
    copy.writeUInt8((copy.at(at) ?? 0) ^ 0xff, at < 0 ? copy.length + at : at);
    return copy;
  };
  const rows: readonly (readonly [string, Uint8Array])[] = [
    ["two streams", Buffer.concat([packed, packed])],
    ["padding", Buffer.concat([packed, Buffer.alloc(4)])],
    ["cut", packed.subarray(0, -20)],
    ["a damaged header", changed(0)],
    ["a damaged index", changed(-20)],
    ["a damaged footer", changed(-1)],
    ["a wrong backward size", changed(-5)],
    ["empty", Buffer.alloc(0)],
    ["no xz", Buffer.from("nothing of the kind, but long enough to be read as one")],
  ];
  for (const [title, bytes] of rows) assert.equal(splitXz(bytes), undefined, title);
});
