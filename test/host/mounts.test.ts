import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { createHost } from "#host";
import { temporaryDirectory, unprivileged } from "./machine.ts";

const host = createHost();
const folder = temporaryDirectory("mounts");
const options = { skip: unprivileged };
let count = 0;

function makeDirectory(files: Readonly<Record<string, string>> = {}): string {
  const path = join(folder, String((count += 1)));
  mkdirSync(path);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return path;
}

before(() => {
  if (unprivileged === false) host.mounts.enterPrivateNamespace();
});

test("mounts are seen by this process and its children, not by the machine", options, () => {
  const target = makeDirectory();
  using _mount = host.mounts.tmpfs(target, { sizeBytes: 1 << 16, mode: 0o700 });
  writeFileSync(join(target, "x"), "here");
  assert.equal(spawnSync("cat", [join(target, "x")], { encoding: "utf8" }).stdout, "here");
  assert.notEqual(readlinkSync("/proc/self/ns/mnt"), readlinkSync(`/proc/${process.ppid}/ns/mnt`));
  assert.ok(!readFileSync(`/proc/${process.ppid}/mountinfo`, "utf8").includes(target));
  assert.throws(() => writeFileSync(join(target, "y"), Buffer.alloc(1 << 20)), /ENOSPC/);
});

test("an overlay shows upper over lower, and records deletions as whiteouts", options, () => {
  const lower = [makeDirectory({ a: "top" }), makeDirectory({ a: "bottom", b: "b", c: "c" })];
  const [upper, work, target] = [makeDirectory(), makeDirectory(), makeDirectory()];
  {
    using _mount = host.mounts.overlay({ target, lower, upper, work });
    assert.equal(readFileSync(join(target, "a"), "utf8"), "top");
    rmSync(join(target, "b"));
    writeFileSync(join(target, "c"), "changed");
  }
  assert.deepEqual(readdirSync(target), []);
  assert.deepEqual(readdirSync(upper).toSorted(), ["b", "c"]);
  const whiteout = lstatSync(join(upper, "b"));
  assert.ok(whiteout.isCharacterDevice() && whiteout.rdev === 0);
});

const shapes = [
  ["no lower directory", 0, true],
  ["one lower directory to read", 1, false],
  ["one lower directory to write", 1, true],
  ["two lower directories to read", 2, false],
  ["127 layers", 127, true],
  ["400 layers", 400, true],
] as const;

for (const [what, layers, isWritable] of shapes)
  test(`an overlay of ${what}`, options, () => {
    const lower = Array.from({ length: layers }, (_, place) => makeDirectory({ [`l${place}`]: "x" }));
    const upper = isWritable ? { upper: makeDirectory(), work: makeDirectory() } : {};
    const target = makeDirectory();
    using _mount = host.mounts.overlay({ target, lower, ...upper });
    assert.equal(readdirSync(target).length, layers);
    if (isWritable) writeFileSync(join(target, "new"), "");
    else assert.throws(() => writeFileSync(join(target, "new"), ""), /EROFS/);
  });

test("paths with colons, commas and more than 255 bytes", options, () => {
  const odd = join(makeDirectory(), "a:b,c\\d", "x".repeat(250));
  mkdirSync(odd, { recursive: true });
  writeFileSync(join(odd, "f"), "");
  const target = makeDirectory();
  using _mount = host.mounts.overlay({ target, lower: [odd, makeDirectory({ g: "" })] });
  assert.deepEqual(readdirSync(target).toSorted(), ["f", "g"]);
});

test("a busy mount goes away lazily, and disposing twice is harmless", options, () => {
  const target = makeDirectory();
  const mount = host.mounts.tmpfs(target);
  const home = process.cwd();
  process.chdir(target);
  try {
    mount[Symbol.dispose]();
    mount[Symbol.dispose]();
  } finally {
    process.chdir(home);
  }
  assert.ok(!readFileSync("/proc/self/mountinfo", "utf8").includes(` ${target} `));
});

test("a read-only bind of a tree covers the mounts in it", options, () => {
  const source = makeDirectory();
  mkdirSync(join(source, "inner"));
  using _inner = host.mounts.tmpfs(join(source, "inner"));
  const target = makeDirectory();
  using _bound = host.mounts.bind(source, target, { readOnly: true, recursive: true });
  assert.throws(() => writeFileSync(join(target, "x"), ""), /EROFS/);
  assert.throws(() => writeFileSync(join(target, "inner/x"), ""), /EROFS/);
  writeFileSync(join(source, "inner/x"), "");
  assert.ok(existsSync(join(target, "inner/x")));
});

test("a file is bound onto a file", options, () => {
  const place = makeDirectory({ a: "one", b: "two" });
  using _bound = host.mounts.bind(join(place, "a"), join(place, "b"));
  assert.equal(readFileSync(join(place, "b"), "utf8"), "one");
});

test("what cannot be mounted is told with its place", options, () => {
  const lower = [makeDirectory(), join(folder, "none")];
  const target = makeDirectory();
  assert.throws(
    () => host.mounts.overlay({ target, lower }),
    /cannot mount ".*": no such file or directory \(ENOENT\)/,
  );
  assert.throws(() => host.mounts.bind("/none", target), /ENOENT/);
});

test("a private namespace is entered once", options, () => {
  const before = readlinkSync("/proc/self/ns/mnt");
  host.mounts.enterPrivateNamespace();
  assert.equal(readlinkSync("/proc/self/ns/mnt"), before);
});
