// kill -9 at random points of a pull and of a push: the next one goes on, nothing is left behind, nothing is wrong.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { startBadLine } from "./bad-line.ts";
import {
  client,
  leftovers,
  makeImage,
  noise,
  openStore,
  pull,
  push,
  startRegistry,
  tempFolder,
  whyNoRegistry,
} from "./lab.ts";

// This file is also the program that is killed: `node killed.test.mjs --child pull|push ROOT NAME`.
const [verb, root, name] = process.argv.slice(-3);
if (process.argv.includes("--child") && root !== undefined && name !== undefined)
  await runChild(verb ?? "", root, name);
else registerTests();

async function runChild(what: string, storeRoot: string, image: string): Promise<void> {
  const store = openStore(storeRoot);
  const registries = client({ chunkBytes: 300_000 });
  if (what === "pull") await pull(store, image, registries);
  else await push(store, store.images.get("app:1"), image, registries);
}

function start(...args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [process.argv[1] ?? "", "--child", ...args], { stdio: "ignore" });
}

/** Kills the child after so long. @returns whether it had ended well before that */
async function killedAfter(child: ChildProcess, ms: number): Promise<boolean> {
  const exited = new Promise<number | null>((resolve) => child.once("exit", (status) => resolve(status)));
  await Promise.race([exited, delay(ms)]);
  child.kill("SIGKILL");
  return (await exited) === 0;
}

function registerTests(): void {
  const skip = whyNoRegistry();
  const layers = [{ big: noise(2_000_000) }, { "more/files": noise(1_000_000, 5) }];

  test("kill -9 of pulls", { skip, timeout: 600_000 }, async () => {
    using folder = tempFolder();
    await using registry = await startRegistry(join(folder.path, "registry"));
    const origin = openStore(join(folder.path, "origin"));
    const image = await makeImage(origin, "app:1", layers);
    const digest = await push(origin, image, `${registry.address}/app:1`);
    await using line = await startBadLine(registry.port, (request) =>
      request.includes("/blobs/") ? { kind: "throttle", bytesPerSecond: 1_500_000 } : undefined,
    );
    const target = join(folder.path, "target");
    let isDone = false;
    for (let round = 0; round < 40 && !isDone; round += 1) {
      const [kept, asked] = [keptBytes(target), line.requests.length];
      isDone = await killedAfter(start("pull", target, `${line.address}/app:1`), 300 + ((round * 97) % 600));
      assertGoesOn(line.requests.slice(asked), kept, `round ${round}`);
      const bytes = keptBytes(target);
      for (const [blob, size] of kept)
        assert.ok((bytes.get(blob) ?? 0) >= size, `round ${round}: ${bytes.get(blob)} of ${size} were kept`);
    }
    const store = openStore(target);
    const [kept, asked] = [keptBytes(target), line.requests.length];
    assert.equal((await pull(store, `${line.address}/app:1`)).target.digest, digest);
    assertGoesOn(line.requests.slice(asked), kept, "at last");
    assert.deepEqual(await store.images.check(), []);
    store.snapshots.sweep();
    assert.deepEqual(leftovers(target), []);
  });

  test("kill -9 of pushes", { skip, timeout: 600_000 }, async () => {
    using folder = tempFolder();
    await using registry = await startRegistry(join(folder.path, "registry"));
    const root = join(folder.path, "store");
    const image = await makeImage(openStore(root), "app:1", layers);
    await using line = await startBadLine(registry.port, () => ({ kind: "delay", ms: 15 }));
    let isDone = false;
    for (let round = 0; round < 20 && !isDone; round += 1)
      isDone = await killedAfter(start("push", root, `${line.address}/app:1`), 200 + ((round * 61) % 300));
    const store = openStore(root);
    const digest = await push(store, image, `${line.address}/app:1`);
    const reader = openStore(join(folder.path, "reader"));
    assert.equal((await pull(reader, `${registry.address}/app:1`)).target.digest, digest);
    assert.deepEqual(await reader.images.check(), []);
    assert.deepEqual(leftovers(root), []);
  });
}

/** Bytes of each blob, whole or unfinished, by its digest. */
function keptBytes(store: string): ReadonlyMap<string, number> {
  const folders = ["ingest", "blobs/sha256"].map((folder) => join(store, folder));
  for (const folder of folders) mkdirSync(folder, { recursive: true });
  return new Map(
    folders.flatMap((folder) =>
      readdirSync(folder).flatMap((file): [string, number][] => {
        const [, blob] = /^(?:sha256-)?([0-9a-f]{64})$/.exec(file) ?? [];
        return blob === undefined ? [] : [[blob, statSync(join(folder, file)).size]];
      }),
    ),
  );
}

/** Nothing that was kept is asked for again. */
function assertGoesOn(requests: readonly string[], kept: ReadonlyMap<string, number>, what: string): void {
  for (const request of requests) {
    const [, blob = "", from = "0"] = /^GET .*\/blobs\/sha256:(\w+)(?: bytes=(\d+)-)?/.exec(request) ?? [];
    assert.ok(Number(from) >= (kept.get(blob) ?? 0), `${what}: ${request} of ${kept.get(blob)} bytes kept`);
  }
}
