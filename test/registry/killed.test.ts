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

  test("kill -9 of pulls", { skip, timeout: 120_000 }, async () => {
    using folder = tempFolder();
    await using registry = await startRegistry(join(folder.path, "registry"));
    const origin = openStore(join(folder.path, "origin"));
    const image = await makeImage(origin, "app:1", layers);
    const digest = await push(origin, image, `${registry.address}/app:1`);
    await using line = await startBadLine(registry.port, (request) =>
      request.includes("/blobs/") ? { kind: "throttle", bytesPerSecond: 1_500_000 } : undefined,
    );
    const target = join(folder.path, "target");
    let kept = 0;
    let isDone = false;
    for (let round = 0; round < 40 && !isDone; round += 1) {
      isDone = await killedAfter(start("pull", target, `${line.address}/app:1`), 300 + ((round * 97) % 600));
      const bytes = keptBytes(target);
      assert.ok(isDone || bytes >= kept, `round ${round}: ${bytes} of ${kept} bytes were kept`);
      kept = bytes;
    }
    const store = openStore(target);
    assert.equal((await pull(store, `${line.address}/app:1`)).target.digest, digest);
    assert.deepEqual(await store.images.check(), []);
    store.snapshots.sweep();
    assert.deepEqual(leftovers(target), []);
    assert.ok(line.bytesSent < 2 * 3_100_000, `${line.bytesSent} bytes came for 3 MB`);
  });

  test("kill -9 of pushes", { skip, timeout: 120_000 }, async () => {
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

/** Bytes of blobs, whole and unfinished. */
function keptBytes(store: string): number {
  const folders = ["ingest", "blobs/sha256"].map((folder) => join(store, folder));
  for (const folder of folders) mkdirSync(folder, { recursive: true });
  return folders
    .flatMap((folder) =>
      readdirSync(folder).map((file) => statSync(join(folder, file), { throwIfNoEntry: false })?.size ?? 0),
    )
    .reduce((sum, size) => sum + size, 0);
}
