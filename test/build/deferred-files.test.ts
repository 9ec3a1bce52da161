// Files that a build left in their layer are laid out with turns for others, and can be stopped.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { SnapshotName } from "#snapshot";
import { Lab, missing } from "./lab.ts";

const skip = missing();
const names = ["a", "b", "c"];
const fileBytes = 8 << 20;

/** The tree of an image of which the files lie in the layer only. */
async function deferredTree(lab: Lab): Promise<SnapshotName> {
  const context = lab.directory({ "d/": "" });
  for (const name of names) writeFileSync(join(context, "d", name), Buffer.alloc(fileBytes, name));
  await lab.build("FROM scratch\nCOPY d /\n", { context });
  const name = lab.snapshots.list().find((each) => lab.snapshots.deferredLayer(each) !== undefined);
  assert.ok(name !== undefined, "the copy left nothing out");
  return name;
}

/** Takes so long that others get a turn. */
function dawdle(): void {
  const end = performance.now() + 50;
  while (performance.now() < end);
}

function assertWhole(lab: Lab, name: SnapshotName): void {
  const [tree = ""] = lab.snapshots.layers(name);
  for (const file of names)
    assert.ok(readFileSync(join(tree, file)).equals(Buffer.alloc(fileBytes, file)), `${file} is not whole`);
  assert.equal(lab.snapshots.deferredLayer(name), undefined);
}

test("who needs the tree at once does not wait for the turns", { skip }, async () => {
  await using lab = new Lab();
  const name = await deferredTree(lab);
  const seen: number[] = [];
  const onProgress = ({ bytes }: { readonly bytes: number }): void => {
    seen.push(bytes);
    dawdle();
  };
  const work = lab.snapshots.complete(name, { onProgress });
  assertWhole(lab, name);
  await work;
  assert.equal(seen.length, 1, "it had its turn before the tree was asked for");
});

test("it is told how far it is; stopped, it is taken up again", { skip }, async () => {
  await using lab = new Lab();
  const name = await deferredTree(lab);
  const stop = new AbortController();
  const onProgress = (): void => {
    stop.abort();
    dawdle();
  };
  await assert.rejects(lab.snapshots.complete(name, { onProgress, signal: stop.signal }), {
    code: "CANCELLED",
  });
  assert.notEqual(lab.snapshots.deferredLayer(name), undefined);
  const seen: number[] = [];
  await lab.snapshots.complete(name, {
    onProgress: ({ bytes, layer }) => seen.push(bytes / layer.size),
  });
  assert.deepEqual(
    seen,
    [...seen].sort((a, b) => a - b),
  );
  assert.equal(seen.at(-1), 1);
  assertWhole(lab, name);
});
