// Too little room and too many at once: full disks, twenty processes that pull, prune in the middle of everything.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { copyFileSync, createReadStream, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { test } from "node:test";
import { type Code, isLighterError } from "#base";
import { openClone, whyNoMachine } from "../support/cli.ts";
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

// This file is also the program of the many: `node pressure.test.mjs --child ROOT NAME`.
const [root, name] = process.argv.slice(-2);
if (process.argv.includes("--child") && root !== undefined && name !== undefined)
  await pull(openStore(root), name, client());
else registerTests();

function registerTests(): void {
  const skip = whyNoRegistry();

  test("a full disk during a pull: one clear error, and a smaller image still comes", { skip }, async () => {
    using folder = tempFolder();
    await using registry = await startRegistry(join(folder.path, "registry"));
    const origin = openStore(join(folder.path, "origin"));
    const large = await makeImage(origin, "large:1", [{ a: noise(3_000_000) }, { b: noise(9_000_000, 2) }]);
    const small = await makeImage(origin, "small:1", [{ c: noise(500_000, 3) }]);
    await push(origin, large, `${registry.address}/large:1`);
    await push(origin, small, `${registry.address}/small:1`);
    using disk = smallDisk(join(folder.path, "disk"), "8m");
    const store = openStore(join(disk.path, "store"));
    await assert.rejects(pull(store, `${registry.address}/large:1`), isCode("STORE_FULL"));
    assert.deepEqual(store.images.list(), []);
    assert.deepEqual(readdirSync(join(store.root, "snapshots/active")), []);
    // What came of the blobs is kept for the next attempt, until somebody wants the room.
    assert.ok(store.images.collect() !== undefined);
    assert.deepEqual(leftovers(store.root), []);
    await pull(store, `${registry.address}/small:1`);
    assert.deepEqual(await store.images.check(), []);
  });

  test("a full disk during a load: one clear error, nothing is left", { skip }, async () => {
    using folder = tempFolder();
    const origin = openStore(join(folder.path, "origin"));
    const image = await makeImage(origin, "large:1", [{ a: noise(3_000_000) }, { b: noise(9_000_000, 2) }]);
    const archive = join(folder.path, "archive.tar");
    const chunks = origin.images.save([{ image }], { format: "docker" });
    await import("node:fs/promises").then(({ writeFile }) => writeFile(archive, Readable.from(chunks)));
    using disk = smallDisk(join(folder.path, "disk"), "8m");
    const store = openStore(join(disk.path, "store"));
    await assert.rejects(store.images.load(createReadStream(archive)), isCode("STORE_FULL"));
    assert.deepEqual(store.images.list(), []);
    assert.deepEqual(leftovers(store.root), []);
    assert.ok(store.images.collect() !== undefined);
    assert.deepEqual(readdirSync(join(store.root, "blobs/sha256")), []);
  });

  test("twenty processes that pull overlapping images into one store fetch every blob once", {
    skip,
  }, async () => {
    using folder = tempFolder();
    await using registry = await startRegistry(join(folder.path, "registry"));
    const origin = openStore(join(folder.path, "origin"));
    const shared = { shared: noise(1_500_000) };
    for (let place = 0; place < 4; place += 1) {
      const image = await makeImage(origin, `app${place}:1`, [shared, { own: noise(200_000, place + 7) }]);
      await push(origin, image, `${registry.address}/app:${place}`);
    }
    await using line = await startBadLine(registry.port, (request) =>
      request.includes("/blobs/") ? { kind: "throttle", bytesPerSecond: 2_000_000 } : undefined,
    );
    const target = join(folder.path, "target");
    const statuses = await Promise.all(
      Array.from({ length: 20 }, (_, place) => childPulls(target, `${line.address}/app:${place % 4}`)),
    );
    assert.deepEqual(new Set(statuses), new Set([0]));
    const fetched = line.requests.filter((request) => /GET .*\/blobs\//.test(request));
    assert.equal(new Set(fetched).size, fetched.length, fetched.join("\n"));
    const store = openStore(target);
    assert.equal(store.images.list().length, 4);
    assert.deepEqual(await store.images.check(), []);
    assert.deepEqual(leftovers(target), []);
  });

  const skipCli = skip === false ? whyNoMachine() : skip;
  test("prune in the middle of builds, pulls, runs and saves takes nothing in use, and leaves nothing unused", {
    skip: skipCli,
    timeout: 600_000,
  }, async () => {
    using clone = openClone();
    await using registry = await startRegistry(join(clone.folder, "registry"));
    const must = (...args: readonly string[]): string => {
      const { status, stdout, stderr } = clone.run(args);
      assert.equal(status, 0, `lighter ${args.join(" ")}: ${stderr}`);
      return stdout;
    };
    const context = join(clone.folder, "context");
    mkdirSync(context);
    const busybox = ["/bin/busybox", "/usr/bin/busybox"].find((path) => existsSync(path)) ?? "";
    copyFileSync(busybox, join(context, "busybox"));
    writeFileSync(
      join(context, "Dockerfile"),
      'FROM scratch\nCOPY busybox /bin/\nARG N\nRUN ["/bin/busybox","sh","-c","echo $N >/n"]\nCMD ["/bin/busybox","cat","/n"]\n',
    );
    must("build", "-q", "-t", "kept", "--build-arg", "N=kept", context);
    const remote = `${registry.address}/app:1`;
    must("build", "-q", "-t", remote, "--build-arg", "N=remote", context);
    must("push", "-q", remote);
    must("rmi", remote);
    const rounds = 5;
    const lanes: readonly ((round: number) => readonly (readonly string[])[])[] = [
      (round) => [
        ["build", "-q", "-t", "built", "--build-arg", `N=${round}`, context],
        ["run", "--rm", "--network", "none", "built"],
      ],
      () => [
        ["pull", "-q", remote],
        ["rmi", remote],
      ],
      () => [["run", "--rm", "--network", "none", "kept"]],
      () => [["save", "-o", join(clone.folder, "saved.tar"), "kept"]],
    ];
    let isOver = false;
    const faults: string[] = [];
    const run = async (args: readonly string[], mayBeBusy: boolean): Promise<void> => {
      const { status, text } = await ended(clone.start(args));
      if (status !== 0 && !(mayBeBusy && /another lighter uses the store/.test(text)))
        faults.push(`lighter ${args.join(" ")}: ${text}`);
    };
    const pruning = (async () => {
      while (!isOver)
        for (const words of [
          ["system", "prune", "-f"],
          ["image", "prune", "-f"],
          ["builder", "prune", "-f"],
        ])
          await run(words, true);
    })();
    await Promise.all(
      lanes.map(async (commands) => {
        for (let round = 0; round < rounds; round += 1)
          for (const args of commands(round)) await run(args, false);
      }),
    );
    isOver = true;
    await pruning;
    assert.deepEqual(faults, []);
    assert.equal(must("run", "--rm", "--network", "none", "kept"), "kept\n");
    must("system", "check");
    // With the names gone and the cache pruned nothing is used any more.
    must("rmi", "kept", "built");
    must("builder", "prune", "-a", "-f");
    must("system", "prune", "-f");
    assert.deepEqual(readdirSync(join(clone.root, "blobs/sha256")), []);
    assert.deepEqual(leftovers(clone.root), []);
    const trees = readdirSync(join(clone.root, "snapshots")).filter((file) => /^[0-9a-f]{12}$/.test(file));
    assert.deepEqual(trees, []);
  });
}

function childPulls(target: string, image: string): Promise<number | null> {
  const child = spawn(process.execPath, [process.argv[1] ?? "", "--child", target, image], {
    stdio: "inherit",
  });
  return new Promise((resolve) => child.once("exit", (status) => resolve(status)));
}

async function ended(child: ReturnType<typeof spawn>): Promise<{ status: number | null; text: string }> {
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
  const status = await new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)));
  return { status, text };
}

function isCode(code: Code): (error: unknown) => boolean {
  return (error) => {
    assert.ok(isLighterError(error, code), String(error));
    return true;
  };
}

/** A filesystem of so many bytes. */
function smallDisk(path: string, size: string): { readonly path: string } & Disposable {
  mkdirSync(path);
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", path]);
  return { path, [Symbol.dispose]: () => execFileSync("umount", [path]) };
}
