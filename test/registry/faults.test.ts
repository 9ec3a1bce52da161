import assert from "node:assert/strict";
import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Code, isLighterError } from "#base";
import type { Image } from "#image";
import { type Fault, startBadLine } from "./bad-line.ts";
import {
  client,
  leftovers,
  makeImage,
  noise,
  openStore,
  pull,
  push,
  type Registry,
  type Store,
  startRegistry,
  tempFolder,
  whyNoRegistry,
} from "./lab.ts";

const skip = whyNoRegistry();
const layerBytes = 1_000_000;

let folder: ReturnType<typeof tempFolder>;
let registry: Registry;
let origin: Store;
let image: Image;
let digest = "";
let layer = "";

before(async () => {
  if (skip !== false) return;
  folder = tempFolder();
  registry = await startRegistry(join(folder.path, "registry"));
  origin = openStore(join(folder.path, "origin"));
  image = await makeImage(origin, "app:1", [{ big: noise(layerBytes) }]);
  digest = await push(origin, image, `${registry.address}/app:1`);
  const [first] = (await pull(openStore(join(folder.path, "look")), `${registry.address}/app:1`)).manifest
    .layers;
  layer = first?.digest ?? "";
});
after(async () => {
  if (skip !== false) return;
  await registry[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

let stores = 0;
const newStore = () => openStore(join(folder.path, `store-${(stores += 1)}`));
const isBlob = (name: string) => name.includes(`/blobs/${layer}`);

/** Pulls through a line with faults into a new store. */
async function pullThrough(
  decide: (request: string, count: number) => Fault | undefined,
  patience: { readonly stallTimeoutMs?: number } = {},
) {
  await using line = await startBadLine(registry.port, decide);
  const store = newStore();
  const pulled = await pull(store, `${line.address}/app:1`, client(patience));
  assert.equal(pulled.target.digest, digest);
  assert.ok(await store.images.unpack(pulled));
  assert.deepEqual(leftovers(store.root), []);
  assert.deepEqual(await store.images.check(), []);
  return { requests: line.requests.filter(isBlob), store };
}

test("cut at every tenth of a blob: goes on by range, nothing is fetched twice", { skip }, async () => {
  for (let tenth = 1; tenth < 10; tenth += 1) {
    const afterBytes = Math.floor((layerBytes * tenth) / 10);
    const { requests } = await pullThrough((name, count) =>
      isBlob(name) && count === 1 ? { kind: "cut", afterBytes } : undefined,
    );
    assert.equal(requests.length, 2);
    const [, from = "0"] = /bytes=(\d+)-/.exec(requests[1] ?? "") ?? [];
    assert.ok(Number(from) > 0 && Number(from) <= afterBytes, `goes on near ${afterBytes}: ${from}`);
  }
});

test("cut eight times over: progress keeps the patience", { skip }, async () => {
  const { requests } = await pullThrough((name, count) =>
    isBlob(name) && count <= 8 ? { kind: "cut", afterBytes: 100_000 } : undefined,
  );
  assert.equal(requests.length, 9);
});

const passing: Readonly<Record<string, (name: string, count: number) => Fault | undefined>> = {
  "500 twice": (_, count) => (count <= 2 ? { kind: "status", status: 500 } : undefined),
  "429 with Retry-After": (_, count) =>
    count === 1 ? { kind: "status", status: 429, headers: { "retry-after": "1" } } : undefined,
  "503 on the manifest": (name, count) =>
    name.includes("/manifests/") && count <= 3 ? { kind: "status", status: 503 } : undefined,
  "a manifest that is cut": (name, count) =>
    name.includes("/manifests/") && count <= 2 ? { kind: "cut", afterBytes: 20 } : undefined,
  "one byte corrupted, once": (name, count) =>
    isBlob(name) && count === 1 ? { kind: "corrupt", atByte: 500_000 } : undefined,
  "bytes repeated, once": (name, count) => (isBlob(name) && count === 1 ? { kind: "repeat" } : undefined),
  "an answer that comes late": () => ({ kind: "delay", ms: 50 }),
  "a slow line": (name) => (isBlob(name) ? { kind: "throttle", bytesPerSecond: 2_000_000 } : undefined),
};
for (const [what, decide] of Object.entries(passing))
  test(`passes: ${what}`, { skip }, async () => {
    await pullThrough(decide);
  });

test("passes: a line that goes silent", { skip }, async () => {
  const decide = (name: string, count: number): Fault | undefined =>
    isBlob(name) && count === 1 ? { kind: "stall", afterBytes: 300_000 } : undefined;
  await pullThrough(decide, { stallTimeoutMs: 3000 });
});

const final: Readonly<
  Record<string, { fault: (name: string, count: number) => Fault | undefined; code: Code; words: RegExp }>
> = {
  "a blob that is always corrupt": {
    fault: (name) => (isBlob(name) ? { kind: "corrupt", atByte: 500_000 } : undefined),
    code: "DIGEST_MISMATCH",
    words: /its bytes are those of sha256:/,
  },
  "a registry that lies about a digest": {
    fault: (name) =>
      name.includes("/manifests/")
        ? { kind: "header", name: "docker-content-digest", value: `sha256:${"0".repeat(64)}` }
        : undefined,
    code: "DIGEST_MISMATCH",
    words: /the manifest that came is/,
  },
  "a registry that lies about a size": {
    fault: (name) => (isBlob(name) ? { kind: "truncate", toBytes: 1000 } : undefined),
    code: "SIZE_MISMATCH",
    words: /its manifest says \d+ bytes, the registry has 1000/,
  },
  "a registry that only answers 500": {
    fault: () => ({ kind: "status", status: 500 }),
    code: "REGISTRY_FAILED",
    words: /it answers 500/,
  },
  "a registry that asks for too much patience": {
    fault: () => ({ kind: "status", status: 429, headers: { "retry-after": "3600" } }),
    code: "REGISTRY_FAILED",
    words: /answers 429 and asks to wait 3600 s/,
  },
  "a blob that is gone": {
    fault: (name) => (isBlob(name) ? { kind: "status", status: 404 } : undefined),
    code: "BLOB_NOT_FOUND",
    words: /does not have it/,
  },
  "an image that is not there": {
    fault: (name) => (name.includes("/manifests/") ? { kind: "status", status: 404 } : undefined),
    code: "MANIFEST_NOT_FOUND",
    words: /has no such image/,
  },
  "a redirect without end": {
    fault: (name) =>
      isBlob(name)
        ? { kind: "status", status: 307, headers: { location: `/v2/app/blobs/${layer}` } }
        : undefined,
    code: "REGISTRY_FAILED",
    words: /redirects without end/,
  },
};
for (const [what, { fault, code, words }] of Object.entries(final))
  test(`one clear error: ${what}`, { skip }, async () => {
    await using line = await startBadLine(registry.port, fault);
    const store = newStore();
    await assert.rejects(pull(store, `${line.address}/app:1`), (error) => {
      assert.ok(isLighterError(error, code), String(error));
      assert.match(error.message, words);
      return true;
    });
    assert.deepEqual(leftovers(store.root), []);
    assert.deepEqual(store.images.list(), []);
  });

test("a host that nobody answers on is told and not tried for ever", { skip }, async () => {
  const startedMs = Date.now();
  for (const name of ["127.0.0.1:1/app", "no-such-host.invalid/app"])
    await assert.rejects(pull(newStore(), name), (error) => isLighterError(error, "REGISTRY_UNREACHABLE"));
  assert.ok(Date.now() - startedMs < 60_000);
});

test("cancelled: what came is kept, and the next pull goes on there", { skip }, async () => {
  const controller = new AbortController();
  await using line = await startBadLine(registry.port, (name, count) =>
    isBlob(name) && count === 1 ? { kind: "stall", afterBytes: 400_000 } : undefined,
  );
  const store = newStore();
  const kept = join(store.root, "ingest", layer.replace(":", "-"));
  const watching = setInterval(() => {
    if ((statSync(kept, { throwIfNoEntry: false })?.size ?? 0) > 0) controller.abort();
  }, 20);
  await assert.rejects(pull(store, `${line.address}/app:1`, client(), controller.signal), (error) =>
    isLighterError(error, "CANCELLED"),
  );
  clearInterval(watching);
  const [partial = ""] = readdirSync(join(store.root, "ingest"));
  assert.equal(partial, layer.replace(":", "-"));
  const keptBytes = statSync(join(store.root, "ingest", partial)).size;
  assert.ok(keptBytes > 0 && keptBytes <= 400_000);
  await pull(store, `${line.address}/app:1`);
  assert.equal(line.requests.filter(isBlob).at(-1), `GET /v2/app/blobs/${layer} bytes=${keptBytes}-`);
  assert.deepEqual(leftovers(store.root), []);
});

test("what was kept and went bad on the disk is fetched anew", { skip }, async () => {
  const store = newStore();
  mkdirSync(join(store.root, "ingest"), { recursive: true });
  writeFileSync(join(store.root, "ingest", layer.replace(":", "-")), Buffer.alloc(1234));
  const pulled = await pull(store, `${registry.address}/app:1`);
  assert.equal(pulled.target.digest, digest);
});

test("twenty pulls of overlapping images at once fetch every blob once", { skip }, async () => {
  const names: string[] = [];
  for (let place = 0; place < 5; place += 1) {
    const other = await makeImage(origin, `many:${place}`, [
      { big: noise(layerBytes) },
      { shared: noise(200_000, 7) },
      { own: `${place}` },
    ]);
    await push(origin, other, `${registry.address}/many:${place}`);
    names.push(`many:${place}`);
  }
  await using line = await startBadLine(registry.port, () => ({ kind: "delay", ms: 20 }));
  const root = newStore().root;
  await Promise.all(
    Array.from({ length: 20 }, (_, place) => pull(openStore(root), `${line.address}/${names[place % 5]}`)),
  );
  const blobs = line.requests
    .filter((name) => name.startsWith("GET") && name.includes("/blobs/"))
    .map((name) => name.split("/").at(-1));
  assert.equal(new Set(blobs).size, blobs.length, "no blob twice");
  const store = openStore(root);
  assert.equal(store.images.list().length, 5);
  assert.deepEqual(await store.images.check(), []);
  assert.deepEqual(leftovers(root), []);
});

test("an upload cut at every tenth goes on where it broke", { skip }, async () => {
  for (let tenth = 1; tenth < 10; tenth += 1) {
    const other = await makeImage(origin, `up:${tenth}`, [{ big: noise(layerBytes, tenth + 20) }]);
    let cuts = 0;
    await using line = await startBadLine(registry.port, (name) => {
      if (!name.startsWith("PATCH") || cuts > 0) return undefined;
      cuts += 1;
      return { kind: "cut-upload", afterBytes: Math.floor((layerBytes * tenth) / 10) };
    });
    const pushed = await push(
      origin,
      other,
      `${line.address}/up-${tenth}:1`,
      client({ chunkBytes: 900_000 }),
    );
    assert.equal(cuts, 1);
    const store = newStore();
    assert.equal((await pull(store, `${registry.address}/up-${tenth}:1`)).target.digest, pushed);
    assert.deepEqual(await store.images.check(), []);
  }
});

for (const [what, decide] of Object.entries<(name: string, count: number) => Fault | undefined>({
  "500 on opening an upload": (name, count) =>
    name.startsWith("POST") && count <= 2 ? { kind: "status", status: 500 } : undefined,
  "429 on the manifest": (name, count) =>
    name.startsWith("PUT") && name.includes("/manifests/") && count === 1
      ? { kind: "status", status: 429, headers: { "retry-after": "1" } }
      : undefined,
  "a lost answer to the last piece": (name, count) =>
    name.startsWith("PUT") && name.includes("/blobs/") && count === 1
      ? { kind: "cut", afterBytes: 0 }
      : undefined,
  "a registry that takes no pieces": (name) =>
    name.startsWith("PATCH") ? { kind: "status", status: 404 } : undefined,
}))
  test(`push passes: ${what}`, { skip }, async () => {
    const repository = what.replaceAll(/\W+/g, "-");
    const other = await makeImage(origin, `push:${repository}`, [
      { big: noise(layerBytes, repository.length + 50) },
    ]);
    await using line = await startBadLine(registry.port, decide);
    const pushed = await push(
      origin,
      other,
      `${line.address}/${repository}:1`,
      client({ chunkBytes: 300_000 }),
    );
    assert.equal((await pull(newStore(), `${registry.address}/${repository}:1`)).target.digest, pushed);
  });
