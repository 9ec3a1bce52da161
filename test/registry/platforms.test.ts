import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { isLighterError } from "#base";
import { type Image, registrySource, registryTarget } from "#image";
import { parsePlatform, parseReference } from "#oci";
import { client, makeImage, openStore, type Store, startRegistry, tempFolder, whyNoRegistry } from "./lab.ts";

const skip = whyNoRegistry();
const offered = ["linux/amd64", "linux/arm/v6", "linux/arm/v7"];

/** One image for each platform, under one name. */
async function makeIndex(store: Store): Promise<Image> {
  const images: Image[] = [];
  for (const platform of offered) {
    const { layers } = await makeImage(store, `layers:${platform.replaceAll("/", "-")}`, [
      { platform },
      { common: "all" },
    ]);
    const config = { ...parsePlatform(platform), rootfs: { type: "layers", diff_ids: [] } } as const;
    images.push(
      store.images.create({
        config,
        layers,
        names: [parseReference(`app:${platform.replaceAll("/", "-")}`)],
      }),
    );
  }
  return await store.images.createIndex(images, {
    names: [parseReference("app:all")],
    form: { compression: "gzip" },
  });
}

test("of an index the image that runs here best, as containerd chooses", { skip }, async () => {
  using folder = tempFolder();
  await using registry = await startRegistry(join(folder.path, "registry"));
  using registries = client();
  const here = openStore(join(folder.path, "here"));
  const reference = parseReference(`${registry.address}/app:1`);
  const sent = await here.images.send(await makeIndex(here), registryTarget(registries, reference), {
    allPlatforms: true,
  });
  const receive = async (platform: string) => {
    const store = openStore(join(folder.path, `for-${platform.replaceAll("/", "-")}`));
    const image = await store.images.receive(registrySource(registries, reference), {
      platforms: [parsePlatform(platform)],
      names: [reference],
    });
    assert.equal(image.index?.digest, sent.top.digest, "the name leads to the index");
    assert.ok(await store.images.unpack(image));
    return [image.config.architecture, image.config.variant].filter(Boolean).join("/");
  };
  const table: Readonly<Record<string, string>> = {
    "linux/amd64": "amd64",
    "linux/amd64/v3": "amd64",
    "linux/arm64": "arm/v7",
    "linux/arm/v7": "arm/v7",
    "linux/arm/v6": "arm/v6",
    "linux/arm/v8": "arm/v7",
  };
  for (const [wanted, chosen] of Object.entries(table)) assert.equal(await receive(wanted), chosen, wanted);
  await assert.rejects(receive("linux/s390x"), (error) => {
    assert.ok(isLighterError(error, "PLATFORM_NOT_FOUND"));
    assert.match(error.message, /it exists for linux\/amd64, linux\/arm\/v6, linux\/arm\/v7/);
    return true;
  });
});

test("all platforms come, and go on to another registry with the same digest", { skip }, async () => {
  using folder = tempFolder();
  await using first = await startRegistry(join(folder.path, "first"));
  await using second = await startRegistry(join(folder.path, "second"));
  using registries = client();
  const [here, there] = [openStore(join(folder.path, "here")), openStore(join(folder.path, "there"))];
  const name = (registry: { readonly address: string }) => parseReference(`${registry.address}/app:1`);
  const sent = await here.images.send(await makeIndex(here), registryTarget(registries, name(first)), {
    allPlatforms: true,
  });
  const image = await there.images.receive(registrySource(registries, name(first)), {
    platforms: "all",
    names: [name(first)],
  });
  const again = await there.images.send(image, registryTarget(registries, name(second)), {
    allPlatforms: true,
  });
  assert.equal(again.top.digest, sent.top.digest);
  assert.deepEqual(await there.images.check(), []);
  for (const platform of offered)
    assert.ok(there.images.find(`${first.address}/app:1`, { platform: parsePlatform(platform) }), platform);
});

test("a sparse index is pushed as the one image that is here", { skip }, async () => {
  using folder = tempFolder();
  await using registry = await startRegistry(join(folder.path, "registry"));
  using registries = client();
  const [here, there] = [openStore(join(folder.path, "here")), openStore(join(folder.path, "there"))];
  const reference = parseReference(`${registry.address}/app:1`);
  await here.images.send(await makeIndex(here), registryTarget(registries, reference), {
    allPlatforms: true,
  });
  const image = await there.images.receive(registrySource(registries, reference), {
    platforms: [parsePlatform("amd64")],
    names: [reference],
  });
  const target = registryTarget(registries, parseReference(`${registry.address}/one:1`));
  assert.equal(
    (await there.images.send(image, target, { allPlatforms: true })).top.digest,
    image.target.digest,
  );
});

test("of an archive of several platforms one is loaded, with its name, and none that it does not have", async () => {
  using folder = tempFolder();
  const here = openStore(join(folder.path, "here"));
  const [there, other] = [openStore(join(folder.path, "there")), openStore(join(folder.path, "other"))];
  const items = [{ image: await makeIndex(here), name: parseReference("app:all") }];
  const archive = () => here.images.save(items, { format: "oci" });
  const [loaded] = await there.images.load(archive(), { platform: parsePlatform("linux/arm/v7") });
  assert.equal(loaded?.config.variant, "v7");
  assert.deepEqual([loaded?.index, loaded?.names], [undefined, ["docker.io/library/app:all"]]);
  await assert.rejects(
    other.images.load(archive(), { platform: parsePlatform("linux/s390x") }),
    /cannot use "app:all" on linux\/s390x: it exists for linux\/amd64/,
  );
  assert.deepEqual(other.images.list(), []);
});
