import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import {
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createHost, errnoOf } from "#host";
import { outputOf, temporaryDirectory, unprivileged } from "./machine.ts";

const { files } = createHost();
const folder = temporaryDirectory("files");
const at = (name: string): string => join(folder, name);

test("attributes are bytes, belong to the link itself, and absence is no error", {
  skip: unprivileged,
}, () => {
  writeFileSync(at("a"), "");
  symlinkSync("a", at("link"));
  const value = Buffer.from([0xff, 0x00, 0x80]);
  files.setXattr(at("a"), "trusted.one", value);
  files.setXattr(at("link"), "trusted.two", Buffer.alloc(0));
  assert.deepEqual(files.listXattrs(at("a")), ["trusted.one"]);
  assert.deepEqual(Buffer.from(files.getXattr(at("a"), "trusted.one") ?? []), value);
  assert.deepEqual(files.listXattrs(at("link")), ["trusted.two"]);
  assert.equal(files.getXattr(at("link"), "trusted.two")?.length, 0);
  assert.equal(files.getXattr(at("a"), "trusted.none"), undefined);
  files.removeXattr(at("a"), "trusted.one");
  files.removeXattr(at("a"), "trusted.one");
  assert.deepEqual(files.listXattrs(at("a")), []);
  assert.deepEqual(files.listXattrs("/proc/self/status"), []);
});

test("a failed call names the object and the errno", () => {
  assert.throws(
    () => files.setXattr(at("none"), "user.x", Buffer.from("1")),
    (error) =>
      errnoOf(error) === "ENOENT" &&
      String(error).endsWith(
        `cannot set the attribute user.x of "${at("none")}": no such file or directory (ENOENT)`,
      ),
  );
});

const nodes = [
  ["whiteout", 0o020000, 0, 0, "0 character special file 0,0"],
  ["pipe", 0o010640, 0, 0, "640 fifo 0,0"],
  ["disk", 0o060660, 259, 70_000, "660 block special file 259,70000"],
] as const;

for (const [name, mode, major, minor, want] of nodes)
  test(`a node: ${name}`, { skip: unprivileged }, () => {
    files.makeNode(at(name), mode, { major, minor });
    assert.equal(outputOf("stat", "-c", "%a %F %Hr,%Lr", at(name)).trim(), want);
  });

for (const timeNs of [0n, 1n, 1_700_000_000_123_456_789n, -1_500_000_001n])
  test(`time ${timeNs} is set on a link, not on what it points to`, () => {
    const name = at(`time${timeNs}`);
    symlinkSync("nowhere", name);
    files.setTime(name, timeNs);
    assert.equal(lstatSync(name, { bigint: true }).mtimeNs, timeNs);
  });

const copies = [
  ["empty", 0, []],
  ["small", 5, [[0, 5]]],
  ["dense", 3_000_000, [[0, 3_000_000]]],
  [
    "hole in the middle",
    8 << 20,
    [
      [0, 4096],
      [6 << 20, 4096],
    ],
  ],
  ["hole at the end", 4 << 20, [[0, 10]]],
  ["only a hole", 4 << 20, []],
] as const;

for (const [name, size, ranges] of copies)
  test(`a copy is the same and keeps holes: ${name}`, () => {
    const source = at(`from ${name}`);
    const target = at(`to ${name}`);
    writeFileSync(source, "");
    truncateSync(source, size);
    const from = openSync(source, "r+");
    const to = openSync(target, "w+");
    try {
      for (const [offset, length] of ranges) writeSync(from, Buffer.alloc(length, "x"), 0, length, offset);
      assert.equal(files.copyContents(from, to, size), size);
    } finally {
      closeSync(from);
      closeSync(to);
    }
    assert.ok(readFileSync(source).equals(readFileSync(target)));
    files.sync(target);
    assert.ok(statSync(target).blocks <= statSync(source).blocks + 16, "holes were filled");
  });

test("a copy between filesystems is the same", () => {
  const memory = temporaryDirectory("memory", "/dev/shm");
  const data = randomBytes(3_000_000);
  writeFileSync(join(memory, "source"), data);
  const from = openSync(join(memory, "source"), "r");
  const to = openSync(at("from memory"), "w+");
  try {
    assert.equal(files.copyContents(from, to, 2_500_000), 2_500_000);
  } finally {
    closeSync(from);
    closeSync(to);
  }
  assert.ok(data.subarray(0, 2_500_000).equals(readFileSync(at("from memory"))));
});

for (const [name, folder] of [
  ["of the disk", undefined],
  ["that keeps all in memory", "/dev/shm"],
] as const)
  test(`what is written uncached is where it was to be, on a filesystem ${name}`, () => {
    const path = join(temporaryDirectory("uncached", folder), "file");
    const fd = openSync(path, "w+");
    const data = randomBytes(100_000);
    try {
      for (const start of [60_000, 0]) {
        const end = start === 0 ? 60_000 : data.length;
        for (let at = start; at < end; ) at += files.writeUncached(fd, data.subarray(at, end), at);
      }
    } finally {
      closeSync(fd);
    }
    assert.ok(data.equals(readFileSync(path)));
  });

test("what cannot be written uncached says why", () => {
  const fd = openSync("/dev/full", "w");
  try {
    assert.throws(() => files.writeUncached(fd, Buffer.alloc(10), 0), { code: "ENOSPC" });
  } finally {
    closeSync(fd);
  }
});

const root = at("root");
mkdirSync(join(root, "etc"), { recursive: true });
writeFileSync(join(root, "etc/passwd"), "inside");
symlinkSync("/etc", join(root, "absolute"));
symlinkSync("../../../../../../etc", join(root, "upward"));
symlinkSync("/etc/passwd", join(root, "file"));
symlinkSync("loop", join(root, "loop"));
symlinkSync("/proc/self/root", join(root, "magic"));

const resolutions = [
  ["/etc/passwd", "etc/passwd"],
  ["etc/passwd", "etc/passwd"],
  ["/../../etc/passwd", "etc/passwd"],
  ["/absolute/passwd", "etc/passwd"],
  ["/upward/passwd", "etc/passwd"],
  ["/file", "etc/passwd"],
  ["/etc/shadow", undefined],
  ["/etc/passwd/x", undefined],
  ["/magic/etc", undefined],
] as const;

for (const [path, want] of resolutions)
  test(`"${path}" below a root is ${want ?? "absent"}`, () => {
    const fd = files.openInRoot(root, path);
    if (fd === undefined) return assert.equal(want, undefined);
    assert.equal(readlinkSync(`/proc/self/fd/${fd}`), want && join(root, want));
    closeSync(fd);
  });

test("the last link is itself when asked, and a loop throws", () => {
  const fd = files.openInRoot(root, "/file", { followLast: false });
  assert.ok(fd !== undefined);
  assert.equal(readlinkSync(`/proc/self/fd/${fd}`), join(root, "file"));
  closeSync(fd);
  assert.throws(
    () => files.openInRoot(root, "/loop"),
    (error) => errnoOf(error) === "ELOOP",
  );
});
