import assert from "node:assert/strict";
import { appendFileSync, linkSync, lstatSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createHost } from "#host";
import { DeferredTree } from "./deferred-layer.ts";
import type { DeferredFile } from "./image-store.ts";
import { layerChunks } from "./layer-writer.ts";
import { readAheadChunks } from "./read-ahead.ts";

const { files } = createHost();
/** Around a block and a slot, more than all slots together, and more files than one batch has. */
const sizes = [0, 1, 511, 512, 513, (1 << 20) - 1, 1 << 20, 6_000_001, ...Array<number>(1500).fill(700)];

function lab(t: TestContext): { readonly tree: string; readonly deferred: readonly DeferredFile[] } {
  const root = mkdtempSync(join(tmpdir(), "lighter-read-ahead-"));
  t.after(() => rmSync(root, { recursive: true }));
  const tree = join(root, "tree");
  mkdirSync(join(tree, "below"), { recursive: true });
  writeFileSync(join(tree, "below/own"), "a file that lies in the tree");
  linkSync(join(tree, "below/own"), join(tree, "link"));
  const deferred = sizes.map((size, at): DeferredFile => {
    const source = join(root, `source-${at}`);
    writeFileSync(source, Buffer.alloc(size, `bytes of ${at}`));
    const { ctimeMs, mtimeMs } = lstatSync(source);
    const path = `${at % 2 === 0 ? "" : "below/"}f${at}`;
    return { path, source, mode: 0o644, uid: 0, gid: 0, sizeBytes: size, seconds: mtimeMs / 1000, ctimeMs };
  });
  const [, second] = deferred;
  assert(second !== undefined);
  return { tree, deferred: [...deferred, { ...second, path: "zz", link: second.path }] };
}

/** The whole layer, and the files that were said to have changed. */
function written(
  chunks: typeof layerChunks,
  { tree, deferred }: ReturnType<typeof lab>,
): { readonly bytes: Buffer; readonly changed: readonly string[] } {
  const changed: string[] = [];
  const options = {
    files,
    deferred: new DeferredTree(deferred),
    onChanged: (path: string) => changed.push(path),
  };
  // A chunk is valid until the next is asked for.
  const bytes = Buffer.concat(Array.from(chunks(tree, options), (chunk) => Buffer.from(chunk)));
  return { bytes, changed };
}

test("a layer that is read ahead has the same bytes", (t) => {
  const tree = lab(t);
  const ahead = written(readAheadChunks, tree);
  assert.ok(ahead.bytes.equals(written(layerChunks, tree).bytes));
  assert.deepEqual(ahead.changed, []);
});

test("a file that has changed since it was chosen is told, and the layer stays whole", (t) => {
  const tree = lab(t);
  const [longer, shorter] = [tree.deferred[3]?.source ?? "", tree.deferred[7]?.source ?? ""];
  appendFileSync(longer, "more");
  writeFileSync(shorter, "less");
  const ahead = written(readAheadChunks, tree);
  assert.deepEqual(new Set(ahead.changed), new Set([longer, shorter]));
  assert.ok(ahead.bytes.equals(written(layerChunks, tree).bytes));
});

test("a file that is gone ends the layer with the error of the system", (t) => {
  const tree = lab(t);
  rmSync(tree.deferred[900]?.source ?? "");
  assert.throws(() => written(readAheadChunks, tree), { code: "ENOENT" });
});
