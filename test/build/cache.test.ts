import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { parseCacheSource, parseCacheTarget, parseOutput } from "#build";
import { openImageStore } from "#image";
import { parsePlatform } from "#oci";
import { Lab, type LabRequest, missing } from "./lab.ts";

const skip = missing();
let lab: Lab;
before(async () => {
  lab = new Lab();
  if (skip === undefined) await lab.addBusybox();
});
after(() => lab[Symbol.asyncDispose]());

const dockerfile = `FROM busybox AS builder
COPY src /src
RUN mkdir /out && cat /src/a > /out/a && echo log > /log
FROM busybox AS tools
RUN echo tool > /tool
FROM busybox
COPY --from=builder /out /app
COPY --link --from=tools /tool /linked
RUN rm /bin/tar && echo done > /app/done
`;
const files = { "src/a": "one" };
const absolute = (path: string): string => path;

function to(text: string): LabRequest {
  return { files, cacheTo: [parseCacheTarget(text, absolute)] };
}

function from(text: string): LabRequest {
  return { files, cacheFrom: [parseCacheSource(text, absolute)] };
}

function storeOf({ root, content, snapshots, host }: Lab): Parameters<typeof openImageStore>[0] {
  return { root, content, snapshots, host };
}

/** A store with nothing but the base. */
async function emptyStore(): Promise<Lab> {
  const other = new Lab();
  await other.addBusybox();
  return other;
}

for (const [mode, compression] of [
  ["min", "gzip"],
  ["max", "zstd"],
  ["max", "uncompressed"],
] as const)
  test(`a second store takes every step from a ${mode} cache with ${compression} layers`, {
    skip,
  }, async () => {
    const directory = join(lab.folder, `cache-${mode}-${compression}`);
    const first = await lab.build(
      dockerfile,
      to(`type=local,dest=${directory},mode=${mode},compression=${compression}`),
    );
    await using other = await emptyStore();
    const second = await other.build(dockerfile, from(`type=local,src=${directory}`));
    assert.equal(second.steps.ran, 0);
    assert.equal(second.image.target.digest, first.image.target.digest);
    assert.deepEqual([...(await other.tree(second.image))], [...(await lab.tree(first.image))]);
    const store = openImageStore({
      ...storeOf(other),
      roots: () => ({ blobs: [], snapshots: other.builder.usedSnapshots() }),
    });
    store.remove(second.image.id, { force: true });
    const third = await other.build(dockerfile, { files });
    assert.equal(third.image.target.digest, first.image.target.digest, "what was imported stays");
    assert.deepEqual(await other.images.check(), []);
  });

test("max lets a build with another last stage start from the middle, min does not", { skip }, async () => {
  const changed = dockerfile.replace("--from=builder /out /app", "--from=builder /out/a /app/a");
  for (const [mode, ran] of [
    ["min", 5],
    ["max", 3],
  ] as const) {
    const directory = join(lab.folder, `middle-${mode}`);
    await lab.build(dockerfile, to(`type=local,dest=${directory},mode=${mode}`));
    await using other = await emptyStore();
    const built = await other.build(changed, from(`type=local,src=${directory}`));
    assert.equal(built.steps.ran, ran, mode);
  }
});

test("exporting again from a store that only has imported results gives the same cache", {
  skip,
}, async () => {
  const [one, two] = [join(lab.folder, "one"), join(lab.folder, "two")];
  await lab.build(dockerfile, to(`type=local,dest=${one},mode=max`));
  await using other = await emptyStore();
  await other.build(dockerfile, {
    ...from(`type=local,src=${one}`),
    cacheTo: [parseCacheTarget(`type=local,dest=${two},mode=max`, absolute)],
  });
  assert.deepEqual(
    readdirSync(join(two, "blobs/sha256")).sort(),
    readdirSync(join(one, "blobs/sha256")).sort(),
  );
});

test("an inline cache travels in the image", { skip }, async () => {
  const directory = join(lab.folder, "inline");
  const outputs = [parseOutput(`type=oci,tar=false,dest=${directory}`)];
  const platforms = [parsePlatform("linux/amd64"), parsePlatform("linux/arm64")];
  const first = await lab.export(dockerfile, { ...to("type=inline"), outputs, platforms });
  await using other = await emptyStore();
  const second = await other.export(dockerfile, {
    ...from(`type=local,src=${directory}`),
    ...to("type=inline"),
    outputs: [parseOutput(`type=oci,tar=false,dest=${join(other.folder, "again")}`)],
    platforms,
  });
  assert.equal(second.steps.ran, 0);
  assert.equal(second.written?.descriptor.digest, first.written?.descriptor.digest);
});

test("a cache that cannot be used is a warning, and the build goes on", { skip }, async () => {
  const directory = join(lab.folder, "broken");
  const damages: readonly (readonly [string, () => void, RegExp | undefined])[] = [
    [
      "absent",
      () => rmSync(directory, { recursive: true }),
      /cannot import the cache from .*: .*holds nothing/,
    ],
    ["no index", () => writeFileSync(join(directory, "index.json"), "{"), /cannot import the cache from/],
    ["every blob cut", () => cutBlobs(directory, 0), /cannot import the cache from/],
    ["layers changed", () => changeLayers(directory), /cannot use the imported result of/],
  ];
  for (const [name, damage, expected] of damages) {
    rmSync(directory, { recursive: true, force: true });
    const first = await lab.build(dockerfile, to(`type=local,dest=${directory},mode=max`));
    damage();
    await using other = await emptyStore();
    const built = await other.build(dockerfile, from(`type=local,src=${directory}`));
    assert.equal(built.image.target.digest, first.image.target.digest, name);
    const warnings = built.events.flatMap((event) => (event.kind === "warning" ? [event.text] : []));
    if (expected !== undefined) assert.match(warnings.join("\n"), expected, name);
  }
});

function cutBlobs(directory: string, length: number): void {
  for (const name of readdirSync(join(directory, "blobs/sha256")))
    truncateSync(join(directory, "blobs/sha256", name), length);
}

/** Every blob that is no JSON gets other bytes of the same length. */
function changeLayers(directory: string): void {
  for (const name of readdirSync(join(directory, "blobs/sha256"))) {
    const path = join(directory, "blobs/sha256", name);
    const bytes = readFileSync(path);
    if (bytes[0] === 0x7b) continue;
    bytes.fill(7, bytes.length >> 1);
    writeFileSync(path, bytes);
  }
}

test("what cannot be exported fails the build unless it does not matter", { skip }, async () => {
  await assert.rejects(lab.build(dockerfile, to("type=local,dest=/dev/null/cache")));
  const built = await lab.build(dockerfile, to("type=local,dest=/dev/null/cache,ignore-error=true"));
  assert.match(
    built.events.map((event) => (event.kind === "warning" ? event.text : "")).join(""),
    /cannot export the cache/,
  );
});

test("layers of another SOURCE_DATE_EPOCH are not taken", { skip }, async () => {
  const directory = join(lab.folder, "epoch");
  await lab.build(dockerfile, { ...to(`type=local,dest=${directory}`), epochSeconds: 1_000_000 });
  await using other = await emptyStore();
  const built = await other.build(dockerfile, from(`type=local,src=${directory}`));
  assert.equal(built.steps.cached, 0);
  assert.match(
    built.events.map((event) => (event.kind === "warning" ? event.text : "")).join(""),
    /SOURCE_DATE_EPOCH 1000000/,
  );
});

test("a lock holds bases and remote files to what they were", { skip }, async () => {
  let body = "first";
  await using server = await serve(() => body);
  const lockFile = join(lab.folder, "build.lock");
  const text = `FROM busybox\nADD ${server.url}/file /file\n`;
  await using store = await emptyStore();
  const first = await store.build(text, { lockFile });
  const lock = JSON.parse(readFileSync(lockFile, "utf8")) as {
    bases: Record<string, string>;
    files: Record<string, string>;
  };
  assert.deepEqual(Object.keys(lock.bases), ["docker.io/library/busybox:latest linux/amd64"]);
  assert.deepEqual(Object.keys(lock.files), [`${server.url}/file`]);
  const same = await store.build(text, { lockFile });
  assert.equal(same.image.id, first.image.id);
  body = "second";
  await using other = await emptyStore();
  await assert.rejects(
    other.build(text, { lockFile }),
    /cannot build from "http.*": .*build.lock holds it to sha256:/,
  );
  assert.equal(
    (await store.build(text, { lockFile })).image.id,
    first.image.id,
    "what the store has is what was locked",
  );
  const bases = { "docker.io/library/busybox:latest linux/amd64": `sha256:${"0".repeat(64)}` };
  writeFileSync(lockFile, JSON.stringify({ ...lock, bases }));
  await assert.rejects(
    store.build(text, { lockFile }),
    /cannot build from "docker.io\/library\/busybox:latest": .* it is sha256:[0-9a-f]{64} now; take its line out/,
  );
  writeFileSync(lockFile, "[]");
  await assert.rejects(store.build(text, { lockFile }), /cannot use ".*build.lock" as a lock file/);
  assert.ok(existsSync(lockFile));
});

async function serve(body: () => string): Promise<AsyncDisposable & { readonly url: string }> {
  const server: Server = createServer((_request, response) => {
    response.end(body());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
