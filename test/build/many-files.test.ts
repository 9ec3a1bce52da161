import assert from "node:assert/strict";
import {
  chmodSync,
  linkSync,
  lstatSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Files, Lab, missing } from "./lab.ts";

// Enough that files are read and copied in threads, and that a copy looks for the one before it.
const count = 1600;
const dockerfile = "FROM scratch\nCOPY . /src\n";
const skip = missing();

function manyFiles(): Files {
  return Object.fromEntries(
    Array.from({ length: count }, (_, at) => [`d${at % 16}/f${at}`, `content ${at}`]),
  );
}

/** Where a file of the image's only layer lies. */
async function locate(lab: Lab, image: Parameters<Lab["tree"]>[0], path: string): Promise<string> {
  const snapshot = await lab.images.unpack(image);
  assert(snapshot !== undefined);
  return join(lab.snapshots.changes(snapshot), path);
}

/** What a store that knows nothing makes of the same directory. */
async function coldDigest(context: string): Promise<string> {
  await using lab = new Lab();
  const { image } = await lab.build(dockerfile, { context });
  return image.id;
}

test("of many files those that are as before are shared with the earlier copy", { skip }, async () => {
  await using lab = new Lab();
  const context = lab.directory(manyFiles());
  const first = await lab.build(dockerfile, { context });
  assert.equal(first.image.id, await coldDigest(context));
  writeFileSync(join(context, "d1/f1"), "another content");
  const second = await lab.build(dockerfile, { context });
  assert.equal(second.image.id, await coldDigest(context));
  const [before, after] = [first.image, second.image];
  const inode = async (image: typeof before, path: string) => lstatSync(await locate(lab, image, path)).ino;
  assert.equal(await inode(before, "src/d2/f2"), await inode(after, "src/d2/f2"));
  assert.notEqual(await inode(before, "src/d1/f1"), await inode(after, "src/d1/f1"));
  assert.equal(readFileSync(await locate(lab, before, "src/d1/f1"), "utf8"), "content 1");
  assert.equal(readFileSync(await locate(lab, after, "src/d1/f1"), "utf8"), "another content");
});

const changes: Readonly<Record<string, (context: string) => void>> = {
  "other bytes under the old time and length": (context) => {
    const path = join(context, "d3/f3");
    const { atime, mtime } = lstatSync(path);
    writeFileSync(path, "CONTENT 3");
    utimesSync(path, atime, mtime);
  },
  "another mode": (context) => chmodSync(join(context, "d4/f4"), 0o755),
  "another time": (context) => utimesSync(join(context, "d5/f5"), 1000, 1000),
  "two files that change places": (context) => {
    renameSync(join(context, "d6/f6"), join(context, "d6/x"));
    renameSync(join(context, "d6/f22"), join(context, "d6/f6"));
    renameSync(join(context, "d6/x"), join(context, "d6/f22"));
  },
  "a file that is gone": (context) => rmSync(join(context, "d7/f7")),
  "a file that becomes a link to another": (context) => {
    rmSync(join(context, "d8/f8"));
    linkSync(join(context, "d8/f24"), join(context, "d8/f8"));
  },
};

test("whatever changed, the image is the one that a store without memory makes", { skip }, async (t) => {
  await using lab = new Lab();
  const context = lab.directory(manyFiles());
  await lab.build(dockerfile, { context });
  for (const [name, change] of Object.entries(changes))
    await t.test(name, async () => {
      change(context);
      const { image } = await lab.build(dockerfile, { context });
      await using cold = new Lab();
      const other = await cold.build(dockerfile, { context });
      assert.equal(image.id, other.image.id);
      assert.deepEqual(await lab.tree(image), await cold.tree(other.image));
    });
});

test("a copy out of a tree that shares files with another has the key of one that shares none", {
  skip,
}, async () => {
  await using lab = new Lab();
  const context = lab.directory(manyFiles());
  const twoStages = `FROM scratch AS a\nCOPY . /src\nFROM scratch\nCOPY --from=a /src/d2 /d2\n`;
  const first = await lab.build(twoStages, { context });
  writeFileSync(join(context, "d1/f1"), "another content");
  const second = await lab.build(twoStages, { context });
  assert.equal(second.image.id, first.image.id);
  assert.deepEqual(second.steps, { ran: 1, cached: 1 });
});
