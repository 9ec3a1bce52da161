import assert from "node:assert/strict";
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  utimesSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createHost } from "#host";
import { layerChunks } from "./layer-writer.ts";

const { files } = createHost();
const megabyte = 1 << 20;
const sizeBytes = 64 * megabyte + 700;

function lab(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), "lighter-holes-"));
  t.after(() => rmSync(root, { recursive: true }));
  return root;
}

/** A file in a directory of its own, the same but for whether what nobody wrote is a hole. */
function treeOf(root: string, name: string, parts: ReadonlyMap<number, string>, isDense: boolean): string {
  const tree = join(root, name);
  mkdirSync(tree);
  const fd = openSync(join(tree, "file"), "w");
  if (isDense)
    for (let at = 0; at < sizeBytes; at += megabyte)
      writeSync(fd, Buffer.alloc(Math.min(megabyte, sizeBytes - at)), 0, undefined, at);
  else ftruncateSync(fd, sizeBytes);
  for (const [at, text] of parts) writeSync(fd, text, at);
  closeSync(fd);
  utimesSync(join(tree, "file"), 1000, 1000);
  return tree;
}

function layerOf(tree: string): Buffer {
  // A chunk is valid until the next is asked for.
  return Buffer.concat(Array.from(layerChunks(tree, { files }), (chunk) => Buffer.from(chunk)));
}

for (const [title, parts] of [
  ["nothing but a hole", []],
  [
    "data at its start, off the blocks in the middle, and at its end",
    [
      [0, "start"],
      [5 * megabyte - 3, "across two chunks"],
      [40 * megabyte + 4095, "in the middle"],
      [sizeBytes - 3, "end"],
    ],
  ],
] as const)
  test(`a file of ${title} gives the layer that it gives without holes`, (t) => {
    const root = lab(t);
    const written = new Map<number, string>(parts);
    const sparse = layerOf(treeOf(root, "sparse", written, false));
    assert.ok(sparse.equals(layerOf(treeOf(root, "dense", written, true))));
  });
