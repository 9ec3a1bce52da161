// Every place to every place, with the tool that owns the form as the judge.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import {
  archiveTarget,
  archiveView,
  copyImage,
  directoryView,
  dockerArchiveSource,
  type ImageSource,
  type ImageTarget,
  layoutSource,
  layoutTarget,
  plainDirectorySource,
  plainDirectoryTarget,
  registrySource,
  registryTarget,
} from "#image";
import { parseReference } from "#oci";
import {
  client,
  makeImage,
  noise,
  openStore,
  type Registry,
  type Store,
  startRegistry,
  tempFolder,
  whyNoRegistry,
} from "./lab.ts";

const skip = whyNoRegistry("skopeo");
const kinds = ["registry", "store", "oci", "oci-archive", "docker-archive", "dir"] as const;
type Kind = (typeof kinds)[number];

let folder: ReturnType<typeof tempFolder>;
let registry: Registry;
let store: Store;
let digest = "";
const registries = client();

before(async () => {
  if (skip !== false) return;
  folder = tempFolder();
  registry = await startRegistry(join(folder.path, "registry"));
  store = openStore(join(folder.path, "store"));
  const image = await makeImage(store, "first:1", [{ a: noise(100_000) }, { b: "text" }]);
  // Compressed once, so that the same bytes travel everywhere.
  using target = archiveTarget(join(folder.path, "first.tar"), { kind: "oci", name: "first" });
  const source = store.images.source(image, { allPlatforms: true, form: { compression: "gzip" } });
  digest = (await copyImage(source, target, { platform: "all" })).top.digest;
});
after(async () => {
  registries[Symbol.dispose]();
  if (skip !== false) return;
  await registry[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

const path = (name: string) => join(folder.path, name);
const reference = (name: string) => parseReference(`${registry.address}/${name}:1`);

/** The image `name` in a place of a kind. */
function sourceIn(kind: Kind, name: string): ImageSource {
  switch (kind) {
    case "registry":
      return registrySource(registries, reference(name));
    case "store":
      return store.images.source(store.images.get(`${name}:1`), { allPlatforms: true });
    case "oci":
      return layoutSource(directoryView(path(name)), undefined);
    case "oci-archive":
      return layoutSource(archiveView(path(`${name}.tar`)), undefined);
    case "docker-archive":
      return dockerArchiveSource(archiveView(path(`${name}.tar`)), undefined);
    case "dir":
      return plainDirectorySource(path(name));
  }
}

function targetIn(kind: Exclude<Kind, "store">, name: string): ImageTarget & Partial<Disposable> {
  switch (kind) {
    case "registry":
      return registryTarget(registries, reference(name));
    case "oci":
      return layoutTarget(path(name), "1");
    case "oci-archive":
      return archiveTarget(path(`${name}.tar`), { kind: "oci", name: "1" });
    case "docker-archive":
      return archiveTarget(path(`${name}.tar`), { kind: "docker", name: `${name}:1` });
    case "dir":
      return plainDirectoryTarget(path(name));
  }
}

async function copyTo(kind: Kind, name: string, source: ImageSource): Promise<string> {
  if (kind === "store") {
    const image = await store.images.receive(source, {
      platforms: "all",
      names: [parseReference(`${name}:1`)],
    });
    return image.target.digest;
  }
  const target = targetIn(kind, name);
  const { top } = await copyImage(source, target, { platform: "all" });
  return top.digest;
}

for (const from of kinds)
  for (const to of kinds)
    test(`from ${from} to ${to}: the same digest, and skopeo reads it`, { skip }, async () => {
      const [first, second] = [`${from}-${to}-1`, `${from}-${to}-2`];
      await copyTo(from, first, layoutSource(archiveView(path("first.tar")), undefined));
      assert.equal(await copyTo(to, second, sourceIn(from, first)), digest);
      if (to !== "store") assert.equal(layersBySkopeo(to, second), layersBySkopeo("oci-archive", "first"));
    });

for (const kind of ["oci", "oci-archive", "docker-archive", "dir"] as const)
  test(`lighter reads what skopeo wrote as ${kind}`, { skip }, async () => {
    const name = `skopeo-${kind}`;
    execFileSync("skopeo", ["copy", "-q", inSkopeo("oci-archive", "first"), inSkopeo(kind, name)], {
      stdio: "pipe",
    });
    const image = await store.images.receive(sourceIn(kind, name), {
      platforms: "all",
      names: [parseReference(`${name}:1`)],
    });
    assert.ok(await store.images.unpack(image));
    if (kind !== "docker-archive") assert.equal(image.target.digest, digest);
    assert.deepEqual(await store.images.check(), []);
  });

test("a copy that fails leaves no half archive", { skip }, async () => {
  const source = sourceIn("oci-archive", "first");
  const broken: ImageSource = {
    ...source,
    readBlob: () => source.readBlob({ mediaType: "", digest: "" as never, size: 0 }, { offsetBytes: 0 }),
  };
  await assert.rejects(async () => {
    using target = archiveTarget(path("half.tar"), { kind: "oci", name: undefined });
    await copyImage(broken, target, { platform: "all" });
  });
  assert.deepEqual(
    readdirSync(folder.path).filter((name) => name.startsWith("half")),
    [],
  );
});

function layersBySkopeo(kind: Exclude<Kind, "store">, name: string): string {
  const args = ["inspect", "--config", "--tls-verify=false", inSkopeo(kind, name)];
  const config = JSON.parse(
    execFileSync("skopeo", args, { stdio: ["ignore", "pipe", "pipe"] }).toString(),
  ) as { rootfs: { diff_ids: string[] } };
  return config.rootfs.diff_ids.join(" ");
}

function inSkopeo(kind: Exclude<Kind, "store">, name: string): string {
  switch (kind) {
    case "registry":
      return `docker://${registry.address}/${name}:1`;
    case "oci":
      return `oci:${path(name)}:1`;
    case "oci-archive":
      return `oci-archive:${path(`${name}.tar`)}`;
    case "docker-archive":
      return `docker-archive:${path(`${name}.tar`)}${name.startsWith("skopeo") ? `:${name}:1` : ""}`;
    case "dir":
      return `dir:${path(name)}`;
  }
}
