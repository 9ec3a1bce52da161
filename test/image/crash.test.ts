import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { openContentStore } from "#content";
import { createHost } from "#host";
import { type ImageStore, openImageStore } from "#image";
import { parseReference } from "#oci";
import { openSnapshotter } from "#snapshot";

// This file is also the program that is killed: `node crash.test.mjs --child ROOT ROLE`.
const [role, childRoot] = process.argv.slice(-2);
if (process.argv.includes("--child") && childRoot !== undefined) await runChild(role ?? "", childRoot);
else registerTests();

interface Store extends ReturnType<typeof openAll> {}

function openAll(root: string) {
  const host = createHost();
  const content = openContentStore(root, host);
  const snapshots = openSnapshotter(root, host);
  return { content, snapshots, images: openImageStore({ root, content, snapshots, host }) };
}

async function runChild(what: string, root: string): Promise<void> {
  const store = openAll(root);
  process.stdout.write("ready\n");
  if (what === "churn") for (let round = 0; ; round += 1) await churn(store, `${process.pid}-${round}`);
  if (what === "same") await sameWork(store);
}

/** Makes an image of two new layers, from nothing to named, and says so; removes every third. */
async function churn(store: Store, id: string): Promise<void> {
  const image = await makeImage(store, id);
  process.stdout.write(`made ${id} ${image}\n`);
  if (!id.endsWith("2")) return;
  process.stdout.write(`removing ${id}\n`);
  store.images.remove(`crash:${id}`);
}

async function makeImage({ snapshots, images }: Store, id: string): Promise<string> {
  await using lower = snapshots.prepare(undefined);
  for (let file = 0; file < 30; file += 1)
    writeFileSync(join(lower.upper, `file-${file}`), `${id} ${file}`.repeat(200));
  const below = snapshots.commit(lower, `lower-${id}`);
  await using upper = snapshots.prepare(below);
  writeFileSync(join(upper.upper, "big"), Buffer.alloc(300_000, id));
  const top = snapshots.commit(upper, `upper-${id}`);
  const layers = [await images.commitLayer(below), await images.commitLayer(top)];
  const config = { os: "linux", architecture: "amd64", rootfs: { type: "layers", diff_ids: [] } } as const;
  return images.create({ config, layers, names: [parseReference(`crash:${id}`)] }).id;
}

/** What several processes do at once: the same image, unpacked. */
async function sameWork(store: Store): Promise<void> {
  const archive = store.images.get("crash:shared");
  const tree = await store.images.unpack(archive);
  process.stdout.write(`${await makeImage(store, "same")} ${tree}\n`);
}

function registerTests(): void {
  let root = "";
  before(() => {
    root = mkdtempSync(join(tmpdir(), "lighter-crash-"));
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  test("kill -9 at any point loses nothing that was complete and leaves nothing behind", async () => {
    const store = join(root, "churn");
    const made = new Map<string, string>();
    let removing = new Set<string>();
    for (let round = 0; round < 24 || (made.size < 8 && round < 168); round += 1) {
      // On a busy machine an image takes longer than the first rounds reach.
      const waitMs = (round % 24) * 13 * 2 ** Math.floor(round / 24);
      const output = await killedAfter(start("churn", store), waitMs);
      for (const [, id = "", digest = ""] of output.matchAll(/^made (\S+) (\S+)$/gm)) made.set(id, digest);
      removing = new Set([
        ...removing,
        ...[...output.matchAll(/^removing (\S+)$/gm)].map(([, id = ""]) => id),
      ]);
      const { content, images } = openAll(store);
      assertClean(store);
      for (const [id, digest] of made)
        if (!removing.has(id))
          assert.equal(images.find(`crash:${id}`)?.id, digest, `image ${id} of round ${round}`);
      if (round % 6 === 5) {
        assert.deepEqual(await images.check(), []);
        assert.notEqual(images.collect(), undefined);
        for (const digest of content.list()) for (const _ of content.readChunks(digest));
        assertAllFound(images, made, removing);
      }
    }
    assert.ok(made.size >= 8, `images made: ${made.size}`);
  });

  test("several processes that do the same at once get the same, once", async () => {
    const path = join(root, "same");
    const store = openAll(path);
    await makeImage(store, "shared");
    const children = Array.from({ length: 4 }, () => start("same", path));
    const outputs = await Promise.all(children.map(outputOf));
    assert.equal(new Set(outputs).size, 1);
    assert.match(outputs[0] ?? "", /^ready\nsha256:\w+ sha256:\w+\n$/);
    assertClean(path);
    assert.deepEqual(
      store.images.list().flatMap((image) => image.names),
      ["docker.io/library/crash:shared", "docker.io/library/crash:same"],
    );
  });
}

function start(what: string, root: string): ChildProcess {
  const program = process.argv[1] ?? "";
  return spawn(process.execPath, [program, "--child", what, root], { stdio: ["ignore", "pipe", "inherit"] });
}

async function outputOf(child: ChildProcess): Promise<string> {
  let output = "";
  child.stdout?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  await new Promise((resolve) => child.on("close", resolve));
  return output;
}

/** The time counts from the child's first word, so that a slow machine kills it at work too. */
async function killedAfter(child: ChildProcess, waitMs: number): Promise<string> {
  const output = outputOf(child);
  const started = new Promise((resolve) => child.stdout?.once("data", resolve));
  await Promise.race([started, output]);
  await delay(waitMs);
  child.kill("SIGKILL");
  return output;
}

function assertClean(store: string): void {
  assert.deepEqual(readdirSync(join(store, "ingest")), []);
  assert.deepEqual(readdirSync(join(store, "snapshots", "active")), []);
  assert.ok(existsSync(join(store, "oci-layout")));
}

function assertAllFound(
  images: ImageStore,
  made: ReadonlyMap<string, string>,
  removing: ReadonlySet<string>,
): void {
  for (const [id] of made)
    if (!removing.has(id)) assert.ok(images.find(`crash:${id}`), `image ${id} after collecting`);
}
