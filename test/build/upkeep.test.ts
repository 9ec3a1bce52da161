import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openImageStore } from "#image";
import { parseReference } from "#oci";
import { Lab, missing } from "./lab.ts";

const skip = missing();
let lab: Lab;
before(async () => {
  lab = new Lab();
  if (skip === undefined) await lab.addBusybox();
});
after(() => lab[Symbol.asyncDispose]());

const megabyte = 1 << 20;

function fill(name: string, megabytes: number): string {
  return `FROM busybox\nRUN dd if=/dev/zero of=/${name} bs=1048576 count=${megabytes}\n`;
}

/** Collects as the engine does: what records lead to stays. */
function collect(store = lab): number | undefined {
  const roots = (): { blobs: []; snapshots: Iterable<string> } => ({
    blobs: [],
    snapshots: store.builder.usedSnapshots(),
  });
  const { root, content, snapshots, host } = store;
  return openImageStore({ root, content, snapshots, host, roots }).collect()?.snapshots;
}

test("du lists steps and mounts, what was used last first; images keep what they stand on", {
  skip,
}, async () => {
  await lab.build(fill("one", 3), { names: [parseReference("one")] });
  await lab.build(
    `FROM busybox\nRUN --mount=type=cache,target=/cache dd if=/dev/zero of=/cache/a bs=1048576 count=2\n`,
  );
  const entries = lab.builder.cache.list();
  const one = entries.find(({ name }) => name.includes("of=/one"));
  assert(one !== undefined);
  assert.equal(one.isShared, true);
  assert.ok(one.sizeBytes >= 3 * megabyte && one.sizeBytes < 4 * megabyte);
  const mount = entries.find(({ kind }) => kind === "mount");
  assert.deepEqual([mount?.id, mount?.isShared], ["/cache", false]);
  assert.ok((mount?.sizeBytes ?? 0) >= 2 * megabyte);
  const times = entries.map(({ lastUsedMs }) => lastUsedMs);
  assert.deepEqual(
    times,
    [...times].sort((a, b) => b - a),
  );
});

test("prune removes what no image stands on; the cap holds for all together", { skip }, async () => {
  await lab.build(fill("named", 2), { names: [parseReference("named")] });
  for (const [at, name] of ["a", "b", "c"].entries()) {
    await lab.export(fill(name, 4), { outputs: [{ kind: "cacheonly" }] });
    void at;
  }
  const sizeOf = (): number =>
    lab.builder.cache.list().reduce((sum, entry) => sum + (entry.isShared ? 0 : entry.sizeBytes), 0);
  assert.ok(sizeOf() > 12 * megabyte);
  assert.deepEqual(lab.builder.cache.prune({ where: ({ lastUsedMs }) => lastUsedMs === 0 }), []);
  const removed = lab.builder.cache.prune({ keepBytes: 9 * megabyte });
  assert.ok(sizeOf() <= 9 * megabyte, String(sizeOf()));
  assert.ok(removed.some(({ name }) => name.includes("of=/a ")));
  assert.equal(
    removed.some(({ name }) => name.includes("of=/c ")),
    false,
    "what was used last stays",
  );
  assert.ok((collect() ?? 0) > 0);
  const again = await lab.build(fill("c", 4));
  assert.equal(again.steps.ran, 0);
  lab.builder.cache.prune();
  const named = await lab.build(fill("named", 2));
  assert.equal(named.steps.ran, 0, "an image stands on it");
  lab.builder.cache.prune({ all: true });
  assert.deepEqual(lab.builder.cache.list(), []);
  assert.equal((await lab.build(fill("named", 2))).steps.ran, 1);
});

test("a cache mount goes to another store and back", { skip }, async () => {
  const text = (line: string): string =>
    `FROM busybox\nRUN --mount=type=cache,id=deps,target=/deps ${line}\n`;
  await lab.build(text("echo kept > /deps/file && mkdir -m 700 /deps/own && ln -s file /deps/link"));
  const chunks: Buffer[] = [];
  for await (const chunk of lab.builder.cache.mounts.export("deps", lab.host))
    chunks.push(Buffer.from(chunk));
  await using other = new Lab();
  await other.addBusybox();
  await other.builder.cache.mounts.import("deps", readable(chunks), other.host);
  const built = await other.build(
    text("cat /deps/link && ls -ld /deps/own | cut -c1-10; stat -c %a /deps/own"),
  );
  assert.match(built.output, /^kept\n/);
  assert.match(built.output, /700\n$/);
  assert.deepEqual(
    other.builder.cache.mounts.list().map(({ id }) => id),
    ["deps"],
  );
  await assert.rejects(
    other.builder.cache.mounts.import("deps", readable([Buffer.from("no archive".repeat(99))]), other.host),
  );
  assert.match(
    (await other.build(text("cat /deps/link; true again"))).output,
    /^kept\n/,
    "a bad archive changes nothing",
  );
  other.builder.cache.mounts.remove("deps");
  assert.deepEqual(other.builder.cache.mounts.list(), []);
  assert.throws(() => other.builder.cache.mounts.remove("deps"), /cannot find cache mount "deps"/);
  assert.deepEqual(
    readdirSync(join(other.root, "build/mounts")).filter((name) => !/\.(lock|turn)$/.test(name)),
    [],
  );
});

async function* readable(chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) yield await Promise.resolve(chunk);
}

test("a mount that a step uses is neither exported nor removed", { skip }, async () => {
  const flag = join(lab.folder, "context-busy");
  const context = lab.directory({ x: "" });
  writeFileSync(flag, "");
  let seen: Promise<void> | undefined;
  await lab.build("FROM busybox\nRUN --mount=type=cache,id=busy,target=/busy echo here && sleep 1\n", {
    context,
    onEvent(event) {
      if (event.kind !== "output" || seen !== undefined) return;
      assert.throws(() => lab.builder.cache.mounts.remove("busy"), /a build uses it/);
      seen = assert.rejects(async () => {
        for await (const _chunk of lab.builder.cache.mounts.export("busy", lab.host)) break;
      }, /a build uses it/);
    },
  });
  assert(seen !== undefined);
  await seen;
  assert.ok(existsSync(flag) && readFileSync(flag, "utf8") === "");
});

test("what is remembered beside results goes when nobody used it for some days, and with all", {
  skip,
}, async () => {
  await using store = new Lab();
  await store.addBusybox();
  const build = (name: string): string => join(store.root, "build", name);
  const count = (name: string): number => readdirSync(build(name)).length;
  const remembered = ["index", "steps", "copies", "times", "sizes", "remote"];
  const context = store.directory(Object.fromEntries([...Array(1200).keys()].map((at) => [`f${at}`, "f"])));
  const other = store.directory({ one: "1" });
  const text = "FROM busybox\nCOPY . /w/\nRUN ls /w\n";
  const server = createServer((_, response) => response.end("web"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    await store.build(`${text}ADD http://127.0.0.1:${port}/file /\n`, { context });
  } finally {
    server.close();
  }
  const { image } = await store.build(text, { context: other, names: [parseReference("kept")] });
  store.builder.cache.list();
  writeFileSync(build("locks/dead"), "");
  writeFileSync(build("times/half.123"), "");
  const before = Object.fromEntries(remembered.map((name) => [name, count(name)]));
  for (const name of remembered) assert.ok(count(name) > 0, name);
  store.builder.cache.prune({ keepBytes: 1 << 40 });
  assert.deepEqual(Object.fromEntries(remembered.map((name) => [name, count(name)])), before, "all is new");
  age(store.root, 15);
  // A build makes what it uses young.
  await store.build(text, { context: other });
  const used = new Set(readdirSync(build("index")).filter((name) => isYoung(build(`index/${name}`))));
  assert.ok(used.size > 0 && used.size < count("index"));
  store.builder.cache.prune({ keepBytes: 1 << 40 });
  assert.deepEqual(new Set(readdirSync(build("index"))), used);
  assert.equal(readdirSync(build("steps")).filter((name) => name.endsWith(".json")).length, 1);
  assert.deepEqual([count("copies"), count("remote"), count("locks")], [0, 0, 0]);
  assert.equal(existsSync(build("times/half.123")), false);
  assert.ok(count("times") > 0, "a record of the cache names them");
  const again = await store.build(text, { context: other });
  assert.equal(again.steps.ran, 0);
  assert.equal(again.image.target.digest, image.target.digest);
  age(store.root, 2);
  store.builder.cache.prune({ all: true });
  assert.deepEqual([count("index"), count("steps"), count("copies"), count("remote")], [0, 0, 0, 0]);
  assert.ok(count("origins") > 0 && count("times") > 0, "the image needs them");
  store.images.remove("kept");
  for (const { id } of store.images.list()) store.images.remove(id);
  collect(store);
  store.builder.cache.prune({ all: true });
  assert.deepEqual(remembered.concat("origins").map(count), [0, 0, 0, 0, 0, 0, 0]);
});

/** Makes everything that builds keep some days older. */
function age(root: string, days: number): void {
  for (const name of readdirSync(join(root, "build"), { recursive: true }) as string[]) {
    if (name.startsWith("cache") || name.startsWith("mounts")) continue;
    const time = Date.now() / 1000 - days * 86_400;
    utimesSync(join(root, "build", name), time, time);
  }
}

function isYoung(path: string): boolean {
  return statSync(path).mtimeMs > Date.now() - 86_400_000;
}
