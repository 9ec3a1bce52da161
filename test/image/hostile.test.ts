import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { formatTarHeader, type TarEntry, tarEnd, tarEntry, tarPadding } from "#archive";
import { type Code, isLighterError } from "#base";
import { createHost, type Host } from "#host";
import { Extraction, type ExtractOptions, makeOpaque, makeWhiteout } from "#snapshot";
import { treeLines } from "../support/tree.ts";

let base = "";
let host: Host;
before(() => {
  base = mkdtempSync(join(tmpdir(), "lighter-hostile-"));
  host = createHost();
});
after(() => rmSync(base, { recursive: true, force: true }));

type Item = Partial<TarEntry> & { readonly path: string; readonly text?: string };

const file = (path: string, text = "x"): Item => ({ path, text });
const dir = (path: string): Item => ({ path, kind: "directory" });
const link = (path: string, linkPath: string): Item => ({ path, kind: "symlink", linkPath });
const hard = (path: string, linkPath: string): Item => ({ path, kind: "hardlink", linkPath });

function tar(items: readonly Item[]): Buffer {
  const parts = items.flatMap(({ text = "", ...fields }) => {
    const bytes = Buffer.from(text);
    const entry = tarEntry({ sizeBytes: bytes.length, ...fields });
    return [formatTarHeader(entry), bytes, tarPadding(bytes.length)];
  });
  return Buffer.concat([...parts, tarEnd]);
}

function extract(items: readonly Item[] | Buffer, options: Partial<ExtractOptions> = {}): string {
  const root = mkdtempSync(join(base, "root-"));
  using extraction = new Extraction({ host, root, ...options });
  extraction.write(Buffer.isBuffer(items) ? items : tar(items));
  extraction.finish();
  return root;
}

/** Names and kinds, contents left out. */
const shape = (root: string): readonly string[] =>
  treeLines(root).map((line) => line.replace(/ (?:[0-7]{4} )?\d+:\d+(?: \d+ [0-9a-f]{8})?/, ""));

const refused: readonly (readonly [
  what: string,
  code: Code,
  items: readonly Item[],
  options?: Partial<ExtractOptions>,
])[] = [
  ["a name that climbs out", "ARCHIVE_HOSTILE", [file("../outside")]],
  ["a name that climbs out in the middle", "ARCHIVE_HOSTILE", [file("a/../../outside")]],
  ["a directory that climbs out", "ARCHIVE_HOSTILE", [dir("..")]],
  ["a hard link whose target climbs out", "ARCHIVE_HOSTILE", [hard("a", "../outside")]],
  ["a hard link to what is not there", "ARCHIVE_INVALID", [hard("a", "etc/passwd")]],
  ["a hard link to an absolute name that is not there", "ARCHIVE_INVALID", [hard("a", "/etc/passwd")]],
  ["a hard link to a directory", "ARCHIVE_INVALID", [dir("d"), hard("a", "d")]],
  ["a hard link through a link to outside", "ARCHIVE_INVALID", [link("l", "/etc"), hard("a", "l/passwd")]],
  ["the root as a file", "ARCHIVE_HOSTILE", [file(".")]],
  ["the root as a link", "ARCHIVE_HOSTILE", [link("./", "/etc")]],
  ["links in a circle", "ARCHIVE_HOSTILE", [link("a", "b"), link("b", "a"), file("a/x")]],
  ["a file used as a directory", "ARCHIVE_INVALID", [file("a"), file("a/b")]],
  [
    "overlay's own attribute",
    "ARCHIVE_HOSTILE",
    [{ ...file("a"), xattrs: new Map([["trusted.overlay.redirect", Buffer.from("/etc")]]) }],
  ],
  ["a whiteout of the parent", "ARCHIVE_HOSTILE", [file("a/.wh...")], { whiteouts: "overlay" }],
  ["a whiteout of the directory itself", "ARCHIVE_HOSTILE", [file("a/.wh..")], { whiteouts: "overlay" }],
  ["a whiteout without a name", "ARCHIVE_HOSTILE", [file("a/.wh.")], { whiteouts: "overlay" }],
  [
    "a smuggled whiteout device",
    "ARCHIVE_HOSTILE",
    [{ path: "etc", kind: "character" }],
    { whiteouts: "overlay" },
  ],
  [
    "more data than declared",
    "ARCHIVE_HOSTILE",
    [file("a", "x".repeat(2000))],
    { limits: { dataBytes: 1000 } },
  ],
  [
    "more entries than declared",
    "ARCHIVE_HOSTILE",
    [file("a"), file("b"), file("c")],
    { limits: { entries: 2 } },
  ],
  ["an owner out of range", "ARCHIVE_INVALID", [{ ...file("a"), uid: 2 ** 40 }]],
  ["a name too long for the filesystem", "ARCHIVE_INVALID", [file("a".repeat(300))]],
  ["a path too long for the kernel", "ARCHIVE_INVALID", [file("abcdefg/".repeat(1000) + "x")]],
  ["a hard link in place of its target's directory", "ARCHIVE_INVALID", [file("d/x"), hard("d", "d/x")]],
  ["a link to nothing", "ARCHIVE_INVALID", [link("a", "")]],
  [
    "a capability that is none",
    "ARCHIVE_INVALID",
    [{ ...file("a"), xattrs: new Map([["security.capability", Buffer.from("x")]]) }],
  ],
  ["a NUL in a link", "ARCHIVE_INVALID", [link("a", "b".repeat(101) + "\0c")]],
];

for (const [what, code, items, options] of refused) {
  test(`refused: ${what}`, () => {
    assert.throws(
      () => extract(items, options),
      (error) => isLighterError(error, code),
    );
    assert.deepEqual(
      ["outside", "passwd"].filter((name) => lstatSync(join(base, name), { throwIfNoEntry: false })),
      [],
    );
  });
}

const contained: readonly (readonly [
  what: string,
  items: readonly Item[],
  tree: readonly string[],
  options?: Partial<ExtractOptions>,
])[] = [
  ["absolute names land below the root", [file("/etc/x")], ["etc dir", "etc/x file"]],
  [
    "an absolute link is followed inside the root",
    [dir("real"), link("l", "/real"), file("l/x")],
    ["l link -> /real", "real dir", "real/x file"],
  ],
  [
    "a link that climbs stops at the root",
    [link("l", "../../../../tmp"), file("l/x")],
    ["l link -> ../../../../tmp", "tmp dir", "tmp/x file"],
  ],
  [
    "a file replaces a link instead of writing through it",
    [file("a", "1"), link("l", "a"), file("l", "2")],
    ["a file", "l file"],
  ],
  [
    "a link replaces a directory that was written into",
    [file("d/x"), link("d", "/tmp"), file("d/y")],
    ["d link -> /tmp", "tmp dir", "tmp/y file"],
  ],
  ["a directory replaces a link", [link("d", "/tmp"), dir("d"), file("d/y")], ["d dir", "d/y file"]],
  [
    "a link to a directory can be kept",
    [dir("usr/lib"), link("lib", "usr/lib"), dir("lib"), file("lib/y")],
    ["lib link -> usr/lib", "usr dir", "usr/lib dir", "usr/lib/y file"],
    { keepDirectorySymlinks: true },
  ],
  [
    "a link to outside is not kept as a directory",
    [link("lib", "/etc"), dir("lib"), file("lib/y")],
    ["lib dir", "lib/y file"],
    { keepDirectorySymlinks: true },
  ],
  [
    "the last of several entries stands",
    [file("a", "1"), file("a", "22"), hard("b", "a"), file("a", "333")],
    ["a file", "b file"],
  ],
  ["a hard link to itself changes nothing", [file("a"), hard("a", "a")], ["a file"]],
  ["whiteouts are plain files elsewhere", [file("a/.wh.b")], ["a dir", "a/.wh.b file"]],
  [
    "whiteouts in the lowest layer hide nothing",
    [file("a/x"), file("a/.wh.b"), file("a/.wh..wh..opq")],
    ["a dir", "a/x file"],
    { whiteouts: "overlay" },
  ],
];

for (const [what, items, tree, options] of contained) {
  test(`contained: ${what}`, () => assert.deepEqual(shape(extract(items, options)), tree));
}

test("a hard link replaced by a file does not change the other name", () => {
  const root = extract([file("a", "secret"), hard("b", "a"), file("b", "new")]);
  const lines = treeLines(root).map((line) => line.split(" ").slice(4).join(" "));
  assert.notEqual(lines[0], lines[1]);
});

test("owners, groups and modes are the archive's in set-group-id directories too, whatever comes first", () => {
  const shared = { ...dir("shared"), mode: 0o2775, gid: 50 };
  const root = extract([
    file("shared/before"),
    shared,
    file("shared/after"),
    { ...file("shared/mine"), uid: 7, gid: 50, mode: 0o4640 },
    { ...file("shared/open"), mode: 0o666 },
  ]);
  assert.deepEqual(
    treeLines(root).map((line) => line.split(" ").slice(0, 4).join(" ")),
    [
      "shared dir 2775 0:50",
      "shared/after file 0644 0:0",
      "shared/before file 0644 0:0",
      "shared/mine file 4640 7:50",
      "shared/open file 0666 0:0",
    ],
  );
});

/** Two layers below, as overlay keeps them: the upper one hides `etc/hidden` and all of `opaque`. */
function lowerLayers(): readonly string[] {
  const [top, bottom] = ["top", "bottom"].map((name) => mkdtempSync(join(base, `${name}-`)));
  assert.ok(top !== undefined && bottom !== undefined);
  for (const path of ["etc", "opaque", "opaque/sub", "usr", "usr/lib"]) mkdirSync(join(bottom, path));
  for (const path of ["etc/hidden", "etc/kept", "opaque/old", "opaque/sub/old"])
    writeFileSync(join(bottom, path), path);
  symlinkSync("usr/lib", join(bottom, "lib"));
  for (const path of ["etc", "opaque"]) mkdirSync(join(top, path));
  makeWhiteout(host.files, join(top, "etc/hidden"));
  makeOpaque(host.files, join(top, "opaque"));
  writeFileSync(join(top, "opaque/new"), "new");
  return [top, bottom];
}

const layered: readonly (readonly [what: string, items: readonly Item[], tree: readonly string[]])[] = [
  ["a link of a lower layer is followed", [file("lib/x")], ["usr dir", "usr/lib dir", "usr/lib/x file"]],
  ["a whiteout hides a lower file", [file("etc/.wh.kept")], ["etc dir", "etc/kept whiteout"]],
  ["a whiteout of nothing leaves no trace", [file("etc/.wh.never"), file("none/.wh.x")], ["etc dir"]],
  ["a whiteout of what is hidden leaves no trace", [file("etc/.wh.hidden")], ["etc dir"]],
  [
    "what this layer put there stays, whichever comes first",
    [file(".wh.usr"), file("usr/mine"), file("etc/kept"), file("etc/.wh.kept")],
    ["etc dir", "etc/kept file", "usr dir", "usr/mine file"],
  ],
  [
    "a hard link to a lower file copies it up",
    [hard("mine", "etc/kept")],
    ["etc dir", "etc/kept file", "mine file = etc/kept"],
  ],
  ["a new entry goes where a whiteout stood", [file(".wh.etc"), dir("etc")], ["etc dir"]],
];

for (const [what, items, tree] of layered) {
  test(`on lower layers: ${what}`, () => {
    const root = extract(items, { whiteouts: "overlay", lower: lowerLayers() });
    assert.deepEqual(shape(root), tree);
  });
}

test("hard links to hidden lower files fail", () => {
  for (const path of ["etc/hidden", "opaque/old", "opaque/sub/old"])
    assert.throws(
      () => extract([hard("mine", path)], { whiteouts: "overlay", lower: lowerLayers() }),
      (error) => isLighterError(error, "ARCHIVE_INVALID"),
    );
});

test("a directory that replaces a whited-out one hides what is below", () => {
  for (const items of [
    [file(".wh.etc"), dir("etc")],
    [dir("etc"), file(".wh.etc")],
    [file(".wh.etc"), file("etc/x")],
  ]) {
    const root = extract(items, { whiteouts: "overlay", lower: lowerLayers() });
    assert.deepEqual(host.files.listXattrs(join(root, "etc")), ["trusted.overlay.opaque"]);
  }
});

test("what is no archive, and what is cut off, is refused", () => {
  const bytes = tar([
    file("a", "hello"),
    { ...dir("d"), path: "d".repeat(120) },
    file("b".repeat(300).replace(/(.{100})/g, "$1/"), "x"),
  ]);
  for (let length = 1; length < bytes.length - 1024; length += 101) {
    assert.throws(
      () => extract(bytes.subarray(0, length)),
      (error) => isLighterError(error, "ARCHIVE_INVALID"),
      `cut at ${length}`,
    );
  }
  assert.throws(
    () => extract(Buffer.from("no tar at all".repeat(100))),
    (error) => isLighterError(error, "ARCHIVE_INVALID"),
  );
});

test("device nodes are made with their own numbers, and only the device that is a whiteout is refused", () => {
  const node = (path: string, kind: "character" | "block", major: number, minor: number): Item => ({
    path,
    kind,
    device: { major, minor },
  });
  const items = [
    node("dev/null", "character", 1, 3),
    node("dev/disk", "block", 8, 300),
    { path: "p", kind: "fifo" as const },
  ];
  const root = extract(items, { whiteouts: "overlay" });
  const [first, second] = ["dev/null", "dev/disk"].map((path) => lstatSync(join(root, path)));
  assert.ok(first?.isCharacterDevice() && first.rdev === 0x103);
  // The kernel's numbers: minor 300 stands in two pieces around the major.
  assert.ok(second?.isBlockDevice() && second.rdev === ((300 & 0xff) | (8 << 8) | ((300 & ~0xff) << 12)));
  assert.ok(lstatSync(join(root, "p")).isFIFO());
});

test("attributes are kept byte for byte; labels of the host's security modules are not", () => {
  const capability = Buffer.from("0100000200200000000000000000000000000000", "hex");
  const xattrs = new Map([
    ["user.bytes", Buffer.from([0xff, 0, 0xfe])],
    ["security.capability", capability],
    ["security.selinux", Buffer.from("system_u:object_r:etc_t:s0")],
  ]);
  const path = join(extract([{ ...file("a"), xattrs }], { whiteouts: "overlay" }), "a");
  assert.deepEqual(Buffer.from(host.files.getXattr(path, "security.capability") ?? []), capability);
  assert.equal(host.files.getXattr(path, "security.selinux"), undefined);
  const held = host.files.getXattr(path, "user.bytes");
  // A tmpfs of old holds none.
  assert.ok(held === undefined || Buffer.from(held).equals(Buffer.from([0xff, 0, 0xfe])));
});

test("a huge sparse file takes no room, and a huge entry is a bomb before its first byte", () => {
  const folder = mkdtempSync(join(base, "sparse-"));
  execFileSync("truncate", ["-s", "1T", join(folder, "huge")]);
  const archive = execFileSync("tar", ["--sparse", "--format=posix", "-C", folder, "-cf", "-", "huge"]);
  const stats = lstatSync(join(extract(archive), "huge"));
  assert.equal(stats.size, 2 ** 40);
  assert.ok(stats.blocks < 100);
  const header = formatTarHeader(tarEntry({ path: "bomb", sizeBytes: 2 ** 50 }));
  assert.throws(
    () => extract(header),
    (error) => isLighterError(error, "ARCHIVE_HOSTILE"),
  );
});

test("duplicate entries: the last stands, whatever kinds came before", () => {
  const root = extract([file("x", "1"), dir("x"), file("x/in"), link("x", "y"), file("x", "last")]);
  assert.deepEqual(shape(root), ["x file"]);
  assert.equal(readFileSync(join(root, "x"), "utf8"), "last");
});
