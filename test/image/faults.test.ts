import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { type Code, isLighterError } from "#base";
import { openContentStore } from "#content";
import { createHost, type Host } from "#host";
import { type ImageStore, openImageStore } from "#image";
import { type Digest, digestOf, encoded, mediaTypes, parseReference } from "#oci";
import { openSnapshotter } from "#snapshot";

let base = "";
let host: Host;
before(() => {
  base = mkdtempSync(join(tmpdir(), "lighter-faults-"));
  host = createHost();
});
after(() => rmSync(base, { recursive: true, force: true }));

function openStore(root = mkdtempSync(join(base, "store-"))) {
  const content = openContentStore(root, host);
  const snapshots = openSnapshotter(root, host);
  return { root, content, snapshots, images: openImageStore({ root, content, snapshots, host }) };
}
type Store = ReturnType<typeof openStore>;

const isCode =
  (...codes: Code[]) =>
  (error: unknown): boolean =>
    isLighterError(error, ...codes);
const pathOf = (store: Store, digest: Digest): string => join(store.root, "blobs/sha256", encoded(digest));
const linux = { os: "linux", architecture: "amd64", rootfs: { type: "layers", diff_ids: [] } } as const;

async function makeImage({ snapshots, images }: Store, name: string, text = name) {
  await using active = snapshots.prepare(undefined);
  writeFileSync(join(active.upper, "file"), text);
  const layer = await images.commitLayer(snapshots.commit(active, `build-${name}-${text}`));
  return images.create({ config: linux, layers: [layer], names: [parseReference(name)] });
}

test("a damaged blob is named, set aside, and healed by storing the same bytes again", () => {
  const { root, content } = openStore();
  const { digest } = content.put("precious", "text/plain");
  appendFileSync(join(root, "blobs/sha256", encoded(digest)), "!");
  assert.throws(
    () => content.read(digest),
    (error) =>
      isLighterError(error, "DIGEST_MISMATCH") &&
      error.message ===
        `cannot read blob "${digest}": its bytes changed on the disk; it was moved to ${root}/corrupt/${encoded(digest)}: build, load or pull the image again`,
  );
  assert.equal(content.has(digest), false);
  assert.throws(() => content.read(digest), isCode("BLOB_NOT_FOUND"));
  content.put("precious", "text/plain");
  assert.equal(Buffer.from(content.read(digest)).toString(), "precious");
});

test("streams fail at their end when the bytes are wrong", async () => {
  const store = openStore();
  const { digest } = store.content.put(Buffer.alloc(3_000_000, 7), "x");
  truncateSync(pathOf(store, digest), 2_999_999);
  await assert.rejects(async () => {
    for await (const _ of store.content.open(digest));
  }, isCode("DIGEST_MISMATCH"));
});

test("runs of zeros take no room on the disk, at the end of a blob too", () => {
  const store = openStore();
  for (const parts of [
    [Buffer.from("head"), Buffer.alloc(5 << 20), Buffer.from("tail")],
    [Buffer.from("head"), Buffer.alloc(5 << 20)],
    [Buffer.alloc(5 << 20)],
  ]) {
    using ingest = store.content.ingest();
    for (const part of parts) ingest.write(part);
    const { digest, size } = ingest.commit("x");
    assert.equal(digest, digestOf(Buffer.concat(parts)));
    const stats = statSync(pathOf(store, digest));
    assert.deepEqual([stats.size, stats.blocks < 64], [size, true]);
    for (const _ of store.content.readChunks(digest));
  }
});

test("an ingest keeps nothing that is not what was announced", () => {
  const { root, content } = openStore();
  const cases = [
    [{ digest: digestOf("other") }, "DIGEST_MISMATCH"],
    [{ sizeBytes: 3 }, "SIZE_MISMATCH"],
  ] as const;
  for (const [expect, code] of cases) {
    using ingest = content.ingest();
    ingest.write(Buffer.from("data"));
    assert.throws(() => ingest.commit("x", expect), isCode(code));
  }
  {
    using dropped = content.ingest();
    dropped.write(Buffer.from("data"));
  }
  assert.deepEqual(content.list(), []);
  assert.deepEqual(readdirSync(join(root, "ingest")), []);
});

test("a full disk ends an ingest and a layer with STORE_FULL and leaves the store usable", async (t) => {
  if (process.getuid?.() !== 0) return t.skip("needs root to mount a small tmpfs");
  const root = mkdtempSync(join(base, "full-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", root]);
  try {
    const store = openStore(root);
    assert.throws(() => store.content.put(Buffer.alloc(8_000_000, 1), "x"), isCode("STORE_FULL"));
    assert.deepEqual(readdirSync(join(root, "ingest")), []);
    await using active = store.snapshots.prepare(undefined);
    writeFileSync(join(active.upper, "file"), Buffer.alloc(2_500_000, 1));
    const snapshot = store.snapshots.commit(active, "large");
    await assert.rejects(store.images.commitLayer(snapshot), isCode("STORE_FULL"));
    store.snapshots.remove(snapshot);
    await makeImage(store, "small");
    assert.deepEqual(await store.images.check(), []);
  } finally {
    execFileSync("umount", [root]);
  }
});

test("a layer that is not its diffID is refused and leaves no snapshot", async () => {
  const store = openStore();
  const blob = store.content.put(gzipSync(Buffer.alloc(1024)), mediaTypes.layerGzip);
  const image = store.images.create({
    config: linux,
    layers: [{ descriptor: blob, diffId: digestOf("lie") }],
    names: [parseReference("liar")],
  });
  await assert.rejects(store.images.unpack(image), isCode("DIGEST_MISMATCH"));
  assert.deepEqual(store.snapshots.list(), []);
  assert.deepEqual(readdirSync(join(store.root, "snapshots/active")), []);
  assert.match((await store.images.check())[0]?.message ?? "", /does not hold what its config says/);
});

test("damaged gzip data and unknown compression have their own words", async () => {
  const store = openStore();
  const good = gzipSync(Buffer.alloc(100_000));
  for (const [bytes, mediaType, code] of [
    [good.subarray(0, good.length - 20), mediaTypes.layerGzip, "ARCHIVE_INVALID"],
    [Buffer.from("28b52ffd00", "hex"), mediaTypes.layerZstd, "ARCHIVE_INVALID"],
    // What is not compressed at all is taken as it is, and is not the layer.
    [Buffer.from("zz"), mediaTypes.layerGzip, "DIGEST_MISMATCH"],
    [Buffer.alloc(0), mediaTypes.layerZstd, "DIGEST_MISMATCH"],
    [Buffer.from("zz"), `${mediaTypes.layer}+lz4`, "COMPRESSION_UNSUPPORTED"],
  ] as const) {
    const descriptor = store.content.put(bytes, mediaType);
    const image = store.images.create({ config: linux, layers: [{ descriptor, diffId: digestOf("x") }] });
    await assert.rejects(store.images.unpack(image), isCode(code), mediaType);
  }
});

test("a layer is read as what it is, whatever compression its media type says", async () => {
  const store = openStore();
  const { layers } = await makeImage(store, "whole");
  const diffId = layers[0]?.diffId ?? digestOf("");
  const tar = store.content.read(diffId);
  for (const [bytes, mediaType] of [
    [tar, mediaTypes.layerGzip],
    [await host.codecs.zstdCompress(tar), mediaTypes.layerGzip],
    [gzipSync(tar), mediaTypes.layerZstd],
  ] as const) {
    const other = openStore();
    const descriptor = other.content.put(bytes, mediaType);
    const image = other.images.create({ config: linux, layers: [{ descriptor, diffId }] });
    assert.ok(await other.images.unpack(image), mediaType);
    assert.deepEqual(await other.images.check(), []);
  }
});

test("a damaged manifest costs its image only; the name can be used again and removed", async () => {
  const store = openStore();
  const broken = await makeImage(store, "broken");
  await makeImage(store, "whole");
  writeFileSync(pathOf(store, broken.target.digest), "{}");
  assert.deepEqual(
    store.images.list().map((image) => image.names),
    [["docker.io/library/whole:latest"]],
  );
  assert.throws(() => store.images.get("broken"), isCode("BLOB_NOT_FOUND", "DIGEST_MISMATCH"));
  assert.equal((await store.images.check())[0]?.image, "docker.io/library/broken:latest");
  assert.deepEqual(store.images.remove("broken").untagged, ["docker.io/library/broken:latest"]);
  assert.throws(() => store.images.get("broken"), isCode("IMAGE_NOT_FOUND"));
  await makeImage(store, "broken");
  assert.deepEqual(await store.images.check(), []);
});

test("an index that is no index is said to be so", () => {
  const { root, images } = openStore();
  writeFileSync(join(root, "index.json"), "{");
  assert.throws(() => images.list(), isCode("STORE_CORRUPT"));
});

test("retagging leaves the older image without a name; removing follows docker", async () => {
  const store = openStore();
  const old = await makeImage(store, "app", "one");
  const fresh = await makeImage(store, "app", "two");
  assert.deepEqual(store.images.get(old.id).names, []);
  assert.equal(store.images.get("app").id, fresh.id);
  store.images.tag(fresh, parseReference("app:2"));
  store.images.tag(fresh, parseReference("other/app"));
  assert.deepEqual(store.images.remove("app:2"), { untagged: ["docker.io/library/app:2"], deleted: [] });
  assert.throws(() => store.images.remove(fresh.id), isCode("IMAGE_IN_USE"));
  const { freedBytes = 0, ...removal } = store.images.remove(fresh.id.slice(7, 19), { force: true });
  assert.ok(freedBytes > 0);
  assert.deepEqual(removal, {
    untagged: ["docker.io/library/app:latest", "docker.io/other/app:latest"],
    deleted: [fresh.id, fresh.config.rootfs.diff_ids[0]],
  });
  assert.deepEqual(
    store.images.list().map((image) => image.id),
    [old.id],
  );
  assert.equal(store.images.remove(old.id).deleted.length, 2);
  assert.deepEqual(store.content.list(), []);
  assert.deepEqual(store.snapshots.list(), []);
  assert.deepEqual(readdirSync(join(store.root, "images/snapshots")), []);
});

test("collecting keeps roots, and waits for whoever holds the store", async () => {
  const root = mkdtempSync(join(base, "roots-"));
  const content = openContentStore(root, host);
  const snapshots = openSnapshotter(root, host);
  const kept = content.put("cache record", "x").digest;
  await using active = snapshots.prepare(undefined);
  const tree = snapshots.commit(active, "cached step");
  await using child = snapshots.prepare(tree);
  const top = snapshots.commit(child, "cached step on it");
  await using other = snapshots.prepare(undefined);
  snapshots.commit(other, "garbage");
  content.put("garbage", "x");
  const images: ImageStore = openImageStore({
    root,
    content,
    snapshots,
    host,
    roots: () => ({ blobs: [kept], snapshots: [top] }),
  });
  {
    using _held = host.locks.tryAcquire(join(root, "gc.lock"), "shared");
    assert.equal(images.collect(), undefined);
  }
  assert.deepEqual(images.collect(), { freedBytes: 7, snapshots: 1 });
  assert.deepEqual(content.list(), [kept]);
  assert.deepEqual(snapshots.list(), [tree, top]);
});

test("a snapshot in use stays; a second commit of a name gives way", async () => {
  const { root, snapshots } = openStore();
  await using first = snapshots.prepare(undefined);
  writeFileSync(join(first.upper, "one"), "");
  const name = snapshots.commit(first, "name");
  await using second = snapshots.prepare(undefined);
  writeFileSync(join(second.upper, "two"), "");
  assert.equal(snapshots.commit(second, "name"), name);
  assert.deepEqual(readdirSync(snapshots.changes(name)), ["one"]);
  await using child = snapshots.prepare(name);
  assert.throws(() => snapshots.remove(name), isCode("SNAPSHOT_IN_USE"));
  snapshots.sweep();
  assert.ok(existsSync(child.upper), "a sweep leaves what is being written");
  await child[Symbol.asyncDispose]();
  snapshots.alias(name, "alias");
  snapshots.remove(name);
  assert.deepEqual(snapshots.list(), ["alias"]);
  mkdirSync(join(root, "snapshots/active/0123456789ab"));
  snapshots.sweep();
  assert.deepEqual(readdirSync(join(root, "snapshots/active")), []);
  assert.throws(() => snapshots.prepare(name), isCode("SNAPSHOT_NOT_FOUND"));
});
