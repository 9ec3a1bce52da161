import assert from "node:assert/strict";
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Lab, missing } from "./lab.ts";

const skip = missing();
const dockerfile = "FROM scratch\nCOPY src /src\n";
const files = { "src/a": "A", "src/d/b": "B", "src/d/ignored": "no", "other/c": "C" };

/** A context that has stood still long enough for its digest to be kept. */
async function settled(lab: Lab, more: Readonly<Record<string, string>> = {}): Promise<string> {
  const context = lab.directory({ ...files, ...more });
  await delay(60);
  return context;
}

/** How many digests of selections the store keeps. */
function keptDigests(lab: Lab): number {
  return readdirSync(join(lab.root, "build/index")).filter((name) => name.includes(".")).length;
}

const changes: Readonly<Record<string, (context: string) => void>> = {
  "other bytes": (context) => writeFileSync(join(context, "src/a"), "a"),
  "other bytes under the old time": (context) => {
    writeFileSync(join(context, "src/a"), "a");
    utimesSync(join(context, "src/a"), 1e9, 1e9);
  },
  "another mode": (context) => chmodSync(join(context, "src/d/b"), 0o700),
  "a new file": (context) => writeFileSync(join(context, "src/d/new"), ""),
  "a file less": (context) => rmSync(join(context, "src/d/b")),
  "another name": (context) => renameSync(join(context, "src/d/b"), join(context, "src/d/z")),
  "a directory that becomes a file": (context) => {
    rmSync(join(context, "src/d"), { recursive: true });
    writeFileSync(join(context, "src/d"), "d");
  },
  "a source that becomes a link": (context) => {
    renameSync(join(context, "src"), join(context, "moved"));
    rmSync(join(context, "moved/a"));
    symlinkSync("moved", join(context, "src"));
  },
};

for (const [name, change] of Object.entries(changes))
  test(`a known context with ${name} is not taken for the old one`, { skip }, async () => {
    await using lab = new Lab();
    const context = await settled(lab);
    const first = await lab.build(dockerfile, { context });
    assert.equal(keptDigests(lab), 1);
    assert.deepEqual((await lab.build(dockerfile, { context })).steps, { ran: 0, cached: 1 });
    change(context);
    const second = await lab.build(dockerfile, { context });
    assert.deepEqual(second.steps, { ran: 1, cached: 0 });
    await using cold = new Lab();
    assert.equal(second.image.id, (await cold.build(dockerfile, { context })).image.id);
    assert.notEqual(second.image.id, first.image.id);
  });

test("what is not selected may change", { skip }, async () => {
  await using lab = new Lab();
  const context = await settled(lab);
  await lab.build(dockerfile, { context });
  writeFileSync(join(context, "other/new"), "");
  writeFileSync(join(context, "beside"), "");
  assert.deepEqual((await lab.build(dockerfile, { context })).steps, { ran: 0, cached: 1 });
});

test("a digest is kept only where no file outside the list decides about it", { skip }, async () => {
  const cases: readonly (readonly [string, Readonly<Record<string, string>>, number])[] = [
    [dockerfile, { ".dockerignore": "**/ignored\n" }, 1],
    [dockerfile, { ".dockerignore": "src/d\n!src/d/b\n" }, 0],
    ["FROM scratch\nCOPY s* /src\n", {}, 0],
    ["FROM scratch\nCOPY link /src\n", { link: "@src" }, 0],
    ["FROM scratch\nCOPY src /src\nCOPY other /other\n", {}, 2],
  ];
  for (const [text, more, kept] of cases) {
    await using lab = new Lab();
    await lab.build(text, { context: await settled(lab, more) });
    assert.equal(keptDigests(lab), kept, `${text} ${JSON.stringify(more)}`);
  }
});

test("a file that changed a moment before is not vouched for", { skip }, async () => {
  await using lab = new Lab();
  const context = await settled(lab);
  writeFileSync(join(context, "src/a"), "x");
  // However long it takes until the build looks at it.
  utimesSync(join(context, "src/a"), 1, Date.now() / 1000 + 1000);
  await lab.build(dockerfile, { context });
  assert.equal(keptDigests(lab), 0);
});

test("another ignore file is another selection", { skip }, async () => {
  await using lab = new Lab();
  const context = await settled(lab, { ".dockerignore": "nothing\n" });
  await lab.build(dockerfile, { context });
  writeFileSync(join(context, ".dockerignore"), "**/ignored\n");
  const { image } = await lab.build(dockerfile, { context });
  const paths = [...(await lab.tree(image)).keys()].filter((path) => path.startsWith("src/d/"));
  assert.deepEqual(paths.sort(), ["src/d/", "src/d/b"]);
});

test("a step that runs for another reason copies what is there", { skip }, async () => {
  await using lab = new Lab();
  const context = await settled(lab, { "w/x": "" });
  const on = (label: string): string => `FROM scratch AS base\nCOPY ${label} /w\nFROM base\nCOPY src /src\n`;
  mkdirSync(join(context, "v"));
  await delay(60);
  await lab.build(on("w"), { context });
  const { image, steps } = await lab.build(on("v"), { context });
  assert.equal(steps.ran, 2);
  const snapshot = await lab.images.unpack(image);
  assert(snapshot !== undefined);
  const [top = ""] = lab.snapshots.layers(snapshot);
  assert.equal(readFileSync(join(top, "src/d/b"), "utf8"), "B");
});

test("a damaged digest is none", { skip }, async () => {
  await using lab = new Lab();
  const context = await settled(lab);
  await lab.build(dockerfile, { context });
  const folder = join(lab.root, "build/index");
  for (const text of [
    "",
    "{}\n",
    '{"magic":"lighter selection 2","rows":9,"pathBytes":9,"seconds":[]}\nshort',
  ]) {
    for (const name of readdirSync(folder).filter((file) => file.includes(".")))
      writeFileSync(join(folder, name), text);
    assert.deepEqual((await lab.build(dockerfile, { context })).steps, { ran: 0, cached: 1 });
  }
});
