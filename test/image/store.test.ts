import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  createReadStream,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type ContentStore, openContentStore } from "#content";
import { createHost, type Host } from "#host";
import { historyOf, type ImageStore, openImageStore } from "#image";
import { type ImageConfig, parseReference } from "#oci";
import { makeWhiteout, openSnapshotter, type Snapshotter } from "#snapshot";

let root = "";
let host: Host;
let content: ContentStore;
let snapshots: Snapshotter;
let images: ImageStore;

before(() => {
  root = mkdtempSync(join(tmpdir(), "lighter-image-"));
  host = createHost();
  const store = join(root, "store");
  content = openContentStore(store, host);
  snapshots = openSnapshotter(store, host);
  images = openImageStore({ root: store, content, snapshots, host });
});
after(() => rmSync(root, { recursive: true, force: true }));

const sh = (command: string): string => execFileSync("sh", ["-ec", command], { encoding: "utf8", cwd: root });

const config: ImageConfig = {
  os: "linux",
  architecture: "amd64",
  created: "2024-01-02T03:04:05Z",
  config: { Cmd: ["/bin/hello"], Env: ["PATH=/bin"] },
  rootfs: { type: "layers", diff_ids: [] },
  history: [
    { created_by: "COPY bin /bin" },
    { created_by: "ENV X=1", empty_layer: true },
    { created_by: "RUN rm /etc/gone" },
  ],
};

/** An image of two layers; the second removes a file of the first. */
async function makeImage(name: string): Promise<void> {
  await using first = snapshots.prepare(undefined);
  mkdirSync(join(first.upper, "bin"));
  mkdirSync(join(first.upper, "etc"));
  writeFileSync(join(first.upper, "bin/hello"), "#!/bin/sh\necho hello\n");
  chmodSync(join(first.upper, "bin/hello"), 0o4755);
  linkSync(join(first.upper, "bin/hello"), join(first.upper, "bin/hello2"));
  symlinkSync("../bin", join(first.upper, "etc/link"));
  writeFileSync(join(first.upper, "etc/gone"), "gone");
  writeFileSync(join(first.upper, "etc/kept"), "kept");
  const below = snapshots.commit(first, `${name}-1`);
  await using second = snapshots.prepare(below);
  mkdirSync(join(second.upper, "etc"));
  makeWhiteout(host.files, join(second.upper, "etc/gone"));
  const top = snapshots.commit(second, `${name}-2`);
  const layers = [await images.commitLayer(below), await images.commitLayer(top)];
  images.create({ config, layers, names: [parseReference(name)], origin: { kind: "built" } });
}

test("an image is found by its names, its id and prefixes of it", async () => {
  await makeImage("calculator");
  const image = images.get("calculator");
  assert.deepEqual(image.names, ["docker.io/library/calculator:latest"]);
  assert.deepEqual(image.origin, { kind: "built" });
  for (const text of ["calculator:latest", "docker.io/library/calculator", image.id, image.id.slice(7, 15)])
    assert.equal(images.find(text)?.id, image.id, text);
  assert.equal(images.find("calculator:other"), undefined);
  assert.equal(images.find("CALC"), undefined);
  assert.deepEqual(
    historyOf(image).map((row) => [row.createdBy, row.sizeBytes > 0]),
    [
      // Nothing but a whiteout, which docker counts as nothing.
      ["RUN rm /etc/gone", false],
      ["ENV X=1", false],
      ["COPY bin /bin", true],
    ],
  );
  const tree = await images.unpack(image);
  assert.ok(tree !== undefined);
  assert.equal(snapshots.layers(tree).length, 2);
});

test("skopeo and umoci read the store and what save writes", async () => {
  const store = join(root, "store");
  assert.match(sh(`skopeo inspect oci:${store}:calculator:latest`), /"Architecture": "amd64"/);
  for (const format of ["oci", "docker"] as const) {
    for (const compression of ["stored", "gzip"] as const) {
      const path = join(root, `${format}-${compression}.tar`);
      const parts: Uint8Array[] = [];
      for await (const chunk of images.save(
        [{ image: images.get("calculator"), name: parseReference("calculator") }],
        {
          format,
          compression,
        },
      ))
        parts.push(Buffer.from(chunk));
      writeFileSync(path, Buffer.concat(parts));
      const transport = format === "oci" ? "oci-archive" : "docker-archive";
      assert.match(sh(`skopeo inspect ${transport}:${path}`), /"Architecture": "amd64"/);
      const copy = join(root, `${format}-${compression}-copy`);
      sh(
        `skopeo copy -q ${transport}:${path} oci:${copy}:x && umoci unpack --image ${copy}:x ${copy}-bundle`,
      );
      assert.equal(
        sh(`cd ${copy}-bundle/rootfs && find . -mindepth 1 -printf '%P %y %m %l\\n' | sort`),
        "bin d 755 \nbin/hello f 4755 \nbin/hello2 f 4755 \netc d 755 \netc/kept f 644 \netc/link l 777 ../bin\n",
      );
    }
  }
});

test("what was saved loads into another store with the same digests", async () => {
  const image = images.get("calculator");
  for (const file of ["oci-stored", "oci-gzip", "docker-stored", "docker-gzip"]) {
    const other = join(root, `load-${file}`);
    const target = openContentStore(other, host);
    const trees = openSnapshotter(other, host);
    const store = openImageStore({ root: other, content: target, snapshots: trees, host });
    const [loaded] = await store.load(createReadStream(join(root, `${file}.tar`)));
    assert.ok(loaded !== undefined);
    assert.equal(loaded.id, image.id);
    assert.equal(loaded.sizeBytes, image.sizeBytes);
    assert.deepEqual(loaded.names, image.names);
    if (file.endsWith("stored")) assert.equal(loaded.target.digest, image.target.digest);
    // What the image is called besides is no news of the archive.
    store.tag(loaded, parseReference("elsewhere"));
    const [again] = await store.load(createReadStream(join(root, `${file}.tar`)));
    assert.deepEqual(again?.names, image.names);
    const tree = await store.unpack(loaded);
    assert.ok(tree !== undefined);
    assert.deepEqual(await store.check(), []);
    assert.equal(trees.layers(tree).length, 2);
  }
});
