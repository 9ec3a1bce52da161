// Layers are laid out before those below them are there: the trees must be those that one after the other gives.
import assert from "node:assert/strict";
import { lstatSync, mkdtempSync, readdirSync, rmSync, type Stats } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { formatTarHeader, type TarEntry, tarEnd, tarEntry, tarPadding } from "#archive";
import { type Code, isLighterError } from "#base";
import { type ContentStore, openContentStore } from "#content";
import { createHost, type Host } from "#host";
import { openImageStore } from "#image";
import { digestOf, mediaTypes } from "#oci";
import { Extraction, LayoutDiffers, openSnapshotter } from "#snapshot";
import { treeLines } from "../support/tree.ts";

let base = "";
let host: Host;
before(() => {
  base = mkdtempSync(join(tmpdir(), "lighter-apart-"));
  host = createHost();
});
after(() => rmSync(base, { recursive: true, force: true }));

type Item = Partial<TarEntry> & { readonly path: string; readonly bytes?: Buffer };

function tar(items: readonly Item[]): Buffer {
  const parts = items.flatMap(({ bytes = Buffer.alloc(0), ...fields }) => [
    formatTarHeader(tarEntry({ sizeBytes: bytes.length, ...fields })),
    bytes,
    tarPadding(bytes.length),
  ]);
  return Buffer.concat([...parts, tarEnd]);
}

/** A tree with everything that is to be the same, or the code of what stopped it. */
type Result = readonly string[] | Code | "differs";

function layOut(archive: Buffer, root: string, lower: readonly string[] | (() => readonly string[])): Result {
  try {
    using extraction = new Extraction({ host, root, lower, whiteouts: "overlay" });
    extraction.write(archive);
    extraction.finish();
    return treeLines(root).map((line) => `${line} ${modified(root, line)}`);
  } catch (error) {
    if (error instanceof LayoutDiffers) return "differs";
    if (isLighterError(error)) return error.code;
    throw error;
  }
}

/** Times are given to directories last, so they are the first to go wrong. One that no archive names was made now. */
function modified(root: string, line: string): string {
  const [path = ""] = line.split(" ");
  const stats = lstatSync(join(root, path));
  if (!stats.isDirectory()) return "";
  return stats.mtimeMs < 1e9 ? String(stats.mtimeMs) : "now";
}

function randomArchive(next: (below: number) => number): Buffer {
  const names = ["a", "b", "c", "lib"];
  const name = (): string => names[next(names.length)] ?? "a";
  const path = (): string => Array.from({ length: 1 + next(3) }, name).join("/");
  const items = Array.from({ length: 1 + next(9) }, (): Item => {
    const common = {
      path: path(),
      mode: [0o755, 0o700, 0o2775][next(3)] ?? 0o755,
      uid: next(2),
      mtimeSeconds: 1000 + next(9),
    };
    switch (next(9)) {
      case 0:
      case 1:
      case 2:
        return { ...common, bytes: Buffer.from("x") };
      case 3:
      case 4:
        return { ...common, kind: "directory" };
      case 5:
        return { ...common, kind: "symlink", linkPath: ["", "/", "../"][next(3)] + path() };
      case 6:
        return { ...common, kind: "hardlink", linkPath: path() };
      case 7:
        return { ...common, path: common.path.replace(/[^/]+$/, ".wh.$&") };
      default:
        return { ...common, path: common.path.replace(/[^/]+$/, ".wh..wh..opq") };
    }
  });
  return tar(items);
}

function randomOf(seed: number): (below: number) => number {
  let state = seed * 2654435761;
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 3266489917) >>> 0;
    return (state >>> 8) % below;
  };
}

test("random layers: laid out apart, they are what they are laid out in order, or it is noticed", () => {
  const counts = { same: 0, differs: 0, refused: 0 };
  for (let seed = 1; seed <= 3000; seed += 1) {
    const next = randomOf(seed);
    const folder = mkdtempSync(join(base, "random-"));
    const lower: string[] = [];
    for (let layer = 0; layer < 2; layer += 1) {
      const root = mkdtempSync(join(folder, "lower-"));
      if (Array.isArray(layOut(randomArchive(next), root, [...lower]))) lower.unshift(root);
    }
    const archive = randomArchive(next);
    const inOrder = layOut(archive, mkdtempSync(join(folder, "order-")), lower);
    const apart = layOut(archive, mkdtempSync(join(folder, "apart-")), () => lower);
    rmSync(folder, { recursive: true, force: true });
    // What is refused apart is laid out again in order, whose word counts.
    if (typeof apart === "string") counts[apart === "differs" ? "differs" : "refused"] += 1;
    else {
      assert.deepEqual(apart, inOrder, `seed ${seed}`);
      counts.same += 1;
    }
  }
  assert.ok(counts.same > 1000 && counts.differs > 50 && counts.refused > 50, JSON.stringify(counts));
});

const large = (path: string): Item => ({ path, bytes: Buffer.alloc(2 << 20, path) });

/** Layers above the size from which threads are used, lowest first. */
const layers: readonly (readonly Item[])[] = [
  [
    { path: "./", kind: "directory", mode: 0o711, uid: 5 },
    { path: "usr/lib", kind: "directory", mode: 0o750 },
    { path: "lib", kind: "symlink", linkPath: "usr/lib" },
    { path: "etc/old", bytes: Buffer.from("old") },
    large("l0"),
  ],
  // Through a link of the layer below: has to be laid out again.
  [{ path: "lib/x", bytes: Buffer.from("x") }, large("l1")],
  // Hides and links what is below: waits for it.
  [{ path: "etc/.wh.old" }, { path: "mine", kind: "hardlink", linkPath: "usr/lib/x" }, large("l2")],
  // Takes the attributes of directories below at its end.
  [{ path: "usr/lib/y", bytes: Buffer.from("y") }, large("l3")],
  [{ path: "etc/old", bytes: Buffer.from("again") }, large("l4")],
];

test("an image of layers that depend on each other: in threads as in order", async () => {
  const root = mkdtempSync(join(base, "store-"));
  const content = openContentStore(root, host);
  const snapshots = openSnapshotter(root, host);
  const images = openImageStore({ root, content, snapshots, host });
  const blobs = layers.map((items) => store(content, tar(items)));
  const top = await images.unpackLayers(blobs);
  assert.ok(top !== undefined);
  const inOrder: string[] = [];
  for (const [place, items] of layers.entries()) {
    const tree = mkdtempSync(join(root, "order-"));
    layOut(tar(items), tree, [...inOrder]);
    inOrder.unshift(tree);
    const apart: string | undefined = snapshots.layers(top)[layers.length - 1 - place];
    assert.deepEqual(treeLines(apart ?? ""), treeLines(tree), `layer ${place}`);
    const { mode, uid }: Stats = lstatSync(apart ?? "");
    assert.deepEqual([mode & 0o7777, uid], [0o711, 5], `root of layer ${place}`);
  }
  assert.deepEqual(readdirSync(join(root, "snapshots/active")), []);
});

test("one layer that is not what the image says ends the others, and nothing is left", async () => {
  const root = mkdtempSync(join(base, "store-"));
  const content = openContentStore(root, host);
  const snapshots = openSnapshotter(root, host);
  const images = openImageStore({ root, content, snapshots, host });
  const blobs = layers.map((items) => store(content, tar(items)));
  const [first, ...others] = blobs;
  assert.ok(first !== undefined);
  const wrong = { ...first, diffId: digestOf("something else") };
  await assert.rejects(images.unpackLayers([wrong, ...others]), (error) =>
    isLighterError(error, "DIGEST_MISMATCH"),
  );
  assert.deepEqual(readdirSync(join(root, "snapshots/active")), []);
  assert.deepEqual(snapshots.list(), []);
});

test("an image is laid out by several calls at once, and cancelled without a trace", async () => {
  const root = mkdtempSync(join(base, "store-"));
  const content = openContentStore(root, host);
  const snapshots = openSnapshotter(root, host);
  const images = openImageStore({ root, content, snapshots, host });
  const blobs = layers.map((items) => store(content, tar(items)));
  const stop = new AbortController();
  const options = { signal: stop.signal, onProgress: () => stop.abort() };
  await assert.rejects(images.unpackLayers(blobs, options), (error) => isLighterError(error, "CANCELLED"));
  assert.deepEqual(readdirSync(join(root, "snapshots/active")), []);
  const names = await Promise.all([1, 2, 3].map(() => images.unpackLayers(blobs)));
  assert.equal(new Set(names).size, 1);
  assert.equal(snapshots.list().length, layers.length);
});

function store(content: ContentStore, bytes: Buffer) {
  using ingest = content.ingest();
  ingest.write(bytes);
  const descriptor = ingest.commit(mediaTypes.layer);
  return { descriptor, diffId: descriptor.digest };
}
