import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { after, before, test } from "node:test";
import { type CacheTarget, parseAttest, parseCacheSource, parseCacheTarget, parseOutput } from "#build";
import { parsePlatform, parseReference } from "#oci";
import { type Registry, startRegistry, whyNoRegistry } from "../registry/lab.ts";
import { Lab, missing } from "./lab.ts";

const skip = missing() ?? (whyNoRegistry() || undefined);
const skopeo = skip ?? (spawnSync("skopeo", ["--version"]).status === 0 ? undefined : "needs skopeo");
let lab: Lab;
let registry: Registry;
before(async () => {
  lab = new Lab();
  if (skip !== undefined) return;
  await lab.addBusybox();
  registry = await startRegistry(lab.folder);
});
after(async () => {
  if (skip === undefined) await registry[Symbol.asyncDispose]();
  await lab[Symbol.asyncDispose]();
});

const dockerfile = "FROM busybox AS base\nRUN echo built > /made\nFROM scratch\nCOPY --from=base /made /\n";
const absolute = (path: string): string => path;

test("push sends an index with attestations that skopeo reads", { skip: skopeo }, async () => {
  const name = `${registry.address}/several:1`;
  const built = await lab.export(dockerfile, {
    platforms: [parsePlatform("linux/amd64"), parsePlatform("linux/arm64")],
    names: [parseReference(name)],
    outputs: [parseOutput("type=registry,compression=gzip")],
    attestations: parseAttest("type=provenance"),
  });
  const index = JSON.parse(
    execFileSync("skopeo", ["inspect", "--tls-verify=false", "--raw", `docker://${name}`]).toString(),
  ) as { manifests: { platform: { architecture: string } }[] };
  assert.deepEqual(
    index.manifests.map(({ platform }) => platform.architecture),
    ["amd64", "arm64", "unknown", "unknown"],
  );
  const { Digest } = JSON.parse(
    execFileSync("skopeo", ["inspect", "--tls-verify=false", `docker://${name}`]).toString(),
  ) as { Digest: string };
  assert.equal(Digest, built.written?.descriptor.digest);
  assert.equal(built.image, undefined);
});

test("an image is pushed by its digest alone", { skip: skopeo }, async () => {
  const name = `${registry.address}/untagged`;
  const text = `type=image,name=${name},push-by-digest=true,name-canonical=true,push=true`;
  const built = await lab.export(dockerfile, { outputs: [parseOutput(text)] });
  assert.equal(built.image, undefined);
  const inspect = (image: string) =>
    spawnSync("skopeo", ["inspect", "--tls-verify=false", "--raw", `docker://${image}`]).status;
  assert.equal(inspect(`${name}@${built.written?.descriptor.digest}`), 0);
  assert.notEqual(inspect(`${name}:latest`), 0);
});

for (const type of ["registry", "inline"] as const)
  test(`a second store takes its steps from a registry: ${type}`, { skip }, async () => {
    const name = `${registry.address}/cached-${type}:1`;
    const text = type === "inline" ? "type=inline" : `type=registry,ref=${name},mode=max`;
    const cacheTo: readonly CacheTarget[] = [parseCacheTarget(text, absolute)];
    const outputs = type === "inline" ? [parseOutput(`type=image,push=true,name=${name}`)] : undefined;
    const first = await lab.build(dockerfile, { cacheTo, ...(outputs !== undefined && { outputs }) });
    await using other = new Lab();
    await other.addBusybox();
    const second = await other.build(dockerfile, {
      cacheFrom: [parseCacheSource(name, absolute)],
      ...(type === "inline" && { cacheTo }),
    });
    assert.equal(second.steps.ran, 0);
    assert.equal(second.image.id, first.image.id);
  });

test("a registry that is not there makes a warning of an import and a failure of an export", {
  skip,
}, async () => {
  const [from, to] = ["127.0.0.1:9/cache", "type=registry,ref=127.0.0.1:9/cache"];
  const built = await lab.build(dockerfile, { cacheFrom: [parseCacheSource(from, absolute)] });
  assert.match(
    built.events.map((event) => (event.kind === "warning" ? event.text : "")).join(""),
    /cannot import the cache from cache: /,
  );
  await assert.rejects(
    lab.build(dockerfile, { cacheTo: [parseCacheTarget(to, absolute)] }),
    /127\.0\.0\.1:9/,
  );
});
