import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openContentStore } from "#content";
import { createHost, type Host } from "#host";
import { type Image, type ImageStore, type LayerBlob, openImageStore } from "#image";
import { parseReference } from "#oci";
import { openSnapshotter, type SnapshotName, type Snapshotter } from "#snapshot";
import { treeLines } from "../support/tree.ts";

interface Store {
  readonly images: ImageStore;
  readonly snapshots: Snapshotter;
}

let base = "";
let host: Host;
before(() => {
  base = mkdtempSync(join(tmpdir(), "lighter-overlay-"));
  host = createHost();
  host.mounts.enterPrivateNamespace();
});
after(() => rmSync(base, { recursive: true, force: true }));

function openStore(): Store {
  const root = mkdtempSync(join(base, "store-"));
  const snapshots = openSnapshotter(root, host);
  return {
    snapshots,
    images: openImageStore({ root, content: openContentStore(root, host), snapshots, host }),
  };
}

/** What RUN steps do, one layer each. */
const steps = [
  `mkdir -p a/b c; echo one > a/one; echo two > a/b/two; ln a/one a/one-hard; ln -s ../a c/link; echo x > c/x; mkfifo c/pipe
   echo cap > a/cap; chown 1000:1000 a/cap; chmod 2755 a; mknod c/dev c 1 5`,
  `rm a/one; echo more >> a/b/two; mv c/x c/moved; chmod 700 c`,
  `rm -r a; mkdir a; echo fresh > a/fresh; rm c/link; mkdir c/link; echo y > c/link/y`,
  `rm -r c; echo file > c; touch -d 1965-01-01 a/fresh; ln a/fresh fresh-hard`,
  `true`,
  `rm c; mkdir -p c/d; rm fresh-hard; cp /dev/null a/empty; dd if=/dev/zero of=a/zeros bs=1M count=0 seek=8 status=none`,
] as const;

async function build({ snapshots, images }: Store): Promise<Image> {
  const layers: LayerBlob[] = [];
  let parent: SnapshotName | undefined;
  for (const [place, step] of steps.entries()) {
    parent = await runStep(snapshots, parent, { name: `step-${place}`, script: step });
    layers.push(await images.commitLayer(parent));
  }
  const config = { os: "linux", architecture: "amd64", rootfs: { type: "layers", diff_ids: [] } } as const;
  return images.create({ config, layers, names: [parseReference("steps")] });
}

async function runStep(
  snapshots: Snapshotter,
  parent: SnapshotName | undefined,
  step: { readonly name: string; readonly script: string },
): Promise<SnapshotName> {
  await using active = snapshots.prepare(parent);
  if (active.lower.length === 0) run(step.script, active.upper);
  else {
    const target = mkdtempSync(join(base, "mount-"));
    using _mount = host.mounts.overlay({
      target,
      lower: active.lower,
      upper: active.upper,
      work: active.work,
    });
    run(step.script, target);
  }
  return snapshots.commit(active, step.name);
}

function run(script: string, cwd: string): void {
  execFileSync("sh", ["-ec", script], { cwd });
}

/** The merged tree of a snapshot, through a real overlay. */
function merged({ snapshots }: Store, name: SnapshotName): readonly string[] {
  const target = mkdtempSync(join(base, "view-"));
  using _mount = host.mounts.overlay({ target, lower: snapshots.layers(name) });
  return treeLines(target, { times: true });
}

test("what steps leave in an overlay comes back whole from the image, here and elsewhere", async () => {
  const here = openStore();
  const image = await build(here);
  const original = await here.images.unpack(image);
  assert.equal(original, here.snapshots.find(original ?? ""));
  assert.ok(original !== undefined);
  const expected = merged(here, original);
  assert.deepEqual(
    expected.map((line) => line.split(" ").slice(0, 2).join(" ")),
    ["a dir", "a/empty file", "a/fresh file", "a/zeros file", "c dir", "c/d dir"],
  );
  const archive = join(base, "steps.tar");
  writeFileSync(archive, "");
  const parts: Buffer[] = [];
  for await (const chunk of here.images.save([{ image, name: parseReference("steps") }], {
    format: "oci",
    compression: "gzip",
  }))
    parts.push(Buffer.from(chunk));
  writeFileSync(archive, Buffer.concat(parts));
  const there = openStore();
  const [loaded] = await there.images.load(createReadStream(archive));
  assert.ok(loaded !== undefined);
  const tree = await there.images.unpack(loaded);
  assert.ok(tree !== undefined);
  assert.deepEqual(merged(there, tree), expected);
});

test("the layers unpack to what each step changed, and no further", async () => {
  const here = openStore();
  await build(here);
  const changes = (place: number): readonly string[] =>
    treeLines(here.snapshots.changes(here.snapshots.find(`step-${place}`) ?? ("" as SnapshotName))).map(
      (line) => line.split(" ").slice(0, 2).join(" "),
    );
  assert.deepEqual(changes(1), [
    "a dir",
    "a/b dir",
    "a/b/two file",
    "a/one whiteout",
    "c dir",
    "c/moved file",
    "c/x whiteout",
  ]);
  assert.deepEqual(changes(4), []);
});

test("building the same twice gives the same layers", async () => {
  const [one, two] = [await build(openStore()), await build(openStore())];
  const withoutTimes = (image: Image): readonly number[] => image.layers.map((layer) => layer.sizeBytes);
  assert.deepEqual(withoutTimes(one), withoutTimes(two));
  assert.equal(one.layers[4]?.diffId, two.layers[4]?.diffId);
});

test("archives that skopeo wrote load with equal ids", async () => {
  const here = openStore();
  const image = await build(here);
  for (const [format, transport] of [
    ["docker", "docker-archive"],
    ["oci", "oci-archive"],
  ] as const) {
    const ours = join(base, `ours-${format}.tar`);
    const theirs = join(base, `theirs-${format}.tar`);
    const parts: Buffer[] = [];
    for await (const chunk of here.images.save([{ image, name: parseReference("steps") }], { format }))
      parts.push(Buffer.from(chunk));
    writeFileSync(ours, Buffer.concat(parts));
    execFileSync("skopeo", ["copy", "-q", `${transport}:${ours}`, `${transport}:${theirs}:steps:latest`]);
    const store = openStore();
    const [loaded] = await store.images.load(createReadStream(theirs));
    assert.equal(loaded?.id, image.id, format);
    assert.deepEqual(loaded?.names, ["docker.io/library/steps:latest"], format);
    assert.ok((await store.images.unpack(loaded)) !== undefined);
  }
});
