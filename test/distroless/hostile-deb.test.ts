import assert from "node:assert/strict";
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  type FakeFile,
  type FakePackage,
  formatAr,
  makeArchive,
  makeDeb,
  makeKey,
  makeTar,
} from "./fake-archive.ts";
import { FakeMirror, Lab } from "./lab.ts";

const skip = process.geteuid?.() !== 0 && "unpacking packages with their owners needs root";
const key = await makeKey("Test Archive");
const date = new Date("2026-11-19T00:00:00Z");
const directory = { kind: "directory" } as const;
const link = (linkPath: string): FakeFile => ({ kind: "symlink", linkPath });

/** Assembles packages that the archive has signed: what is refused here is refused whoever signed it. */
async function assemble(lab: Lab, packages: readonly FakePackage[]) {
  await using mirror = await FakeMirror.open(await makeArchive(packages, { key, date }));
  return await lab.assemble(mirror.url, { key, packages: packages.map(({ name }) => name) });
}

const hostile: readonly { readonly files: Readonly<Record<string, FakeFile>>; readonly message: RegExp }[] = [
  { files: { "../evil": "x" }, message: /the name "\.\.\/evil" holds "\.\."/ },
  { files: { "./usr/../../evil": "x" }, message: /holds "\.\."/ },
  { files: { "/etc/evil": "x" }, message: /the name "\/etc\/evil" begins at the root/ },
  {
    files: { "./evil": link("../../etc/passwd") },
    message: /the link "evil" to "\.\.\/\.\.\/etc\/passwd" leads out/,
  },
  { files: { "./a/": directory, "./a/b": link("../../x") }, message: /leads out of the tree/ },
  { files: { "./evil": { kind: "hardlink", linkPath: "../../etc/passwd" } }, message: /holds "\.\."/ },
  { files: { "./evil": { kind: "hardlink", linkPath: "/etc/passwd" } }, message: /begins at the root/ },
  {
    files: { "./evil": { kind: "hardlink", linkPath: "./absent" } },
    message: /it links to "absent", which is no file/,
  },
  {
    files: { "./sda": { kind: "block", device: { major: 8, minor: 0 } } },
    message: /"sda" is a device or a pipe/,
  },
  {
    files: { "./null": { kind: "character", device: { major: 1, minor: 3 } } },
    message: /is a device or a pipe/,
  },
  { files: { "./pipe": { kind: "fifo" } }, message: /is a device or a pipe/ },
  { files: { "./a": "x", "./a/b": "y" }, message: /cannot unpack "a\/b": "a" is no directory/ },
  { files: { "./loop": link("loop"), "./loop/x": "y" }, message: /cannot unpack "loop/ },
];

for (const { files, message } of hostile)
  test(`a package that holds ${Object.keys(files).join(" and ")}`, { skip }, async () => {
    await using lab = new Lab();
    await assert.rejects(assemble(lab, [{ name: "app", files }]), (error: Error & { code?: string }) => {
      assert.match(error.message, message);
      assert.match(error.message, /\(in package app 1\)$/);
      assert.equal(error.code, "PACKAGE_INVALID");
      return true;
    });
    assert.deepEqual(lab.leftovers(), []);
  });

test("nothing is written through a link that leads elsewhere", { skip }, async () => {
  const outside = mkdtempSync(join(tmpdir(), "lighter-outside-"));
  try {
    writeFileSync(join(outside, "kept"), "as it was");
    await using lab = new Lab();
    const image = await assemble(lab, [
      { name: "app", files: { "./out": link(outside), "./up/": directory, "./up/deep": link("..") } },
      { name: "later", files: { "./out/kept": "overwritten", "./up/deep/made": "inside" } },
    ]).catch((error: Error) => error);
    assert.equal(readFileSync(join(outside, "kept"), "utf8"), "as it was");
    assert.deepEqual(readdirSync(outside), ["kept"]);
    // Inside the tree the link's target does not exist, so the second package cannot be unpacked.
    assert.ok(image instanceof Error);
    assert.match(image.message, /cannot unpack "out(\/kept)?"/);
  } finally {
    rmSync(outside, { recursive: true });
  }
});

test("a link of one package leads another's files to their place inside", { skip }, async () => {
  await using lab = new Lab();
  const image = await assemble(lab, [
    {
      name: "app",
      files: {
        "./big/": directory,
        "./big/fill": "x".repeat(5000),
        "./abs": link("/big"),
        "./rel": link("abs/../big"),
      },
    },
    { name: "later", files: { "./abs/one": "1", "./rel/two": "2", "./bin/tool": "t" } },
  ]);
  const tree = await lab.tree(image);
  assert.deepEqual(readdirSync(join(tree, "big")).sort(), ["fill", "one", "two"]);
  assert.ok(lstatSync(join(tree, "usr/bin/tool")).isFile());
  assert.ok(lstatSync(join(tree, "bin")).isSymbolicLink());
});

const damaged: readonly { readonly title: string; readonly deb: Buffer; readonly message: RegExp }[] = [
  { title: "no ar archive", deb: Buffer.from("nothing of the kind"), message: /cannot read ar archive/ },
  {
    title: "an archive cut short",
    deb: makeDeb({ name: "app", files: { "./f": "x".repeat(4000) } }).subarray(0, 1500),
    message: /is cut off/,
  },
  {
    title: "no data archive",
    deb: formatAr([
      ["debian-binary", Buffer.from("2.0\n")],
      ["control.tar", makeTar({})],
    ]),
    message: /its member data\.tar is missing/,
  },
  {
    title: "an unknown compression",
    deb: formatAr([
      ["debian-binary", Buffer.from("2.0\n")],
      ["control.tar", makeTar({})],
      ["data.tar.lz", makeTar({})],
    ]),
    message: /its member data\.tar is "data\.tar\.lz"/,
  },
  {
    title: "damaged xz data",
    deb: formatAr([
      ["debian-binary", Buffer.from("2.0\n")],
      ["control.tar", makeTar({ "./control": "Package: app\nVersion: 1\nArchitecture: amd64\n" })],
      ["data.tar.xz", Buffer.from("FD377A585A0000FF12D9411BAAAA", "hex")],
    ]),
    message: /its xz data is damaged/,
  },
  {
    title: "another package inside",
    deb: makeDeb({ name: "other" }),
    message: /its Package is "other", the package list says "app"/,
  },
  {
    title: "another version inside",
    deb: makeDeb({ name: "app", version: "0.9" }),
    message: /its Version is "0\.9"/,
  },
];

for (const { title, deb, message } of damaged)
  test(`a .deb with ${title}`, { skip }, async () => {
    await using lab = new Lab();
    // The list names exactly these bytes: the fault is in the package itself.
    await using mirror = await FakeMirror.open(await makeArchive([{ name: "app", deb }], { key, date }));
    await assert.rejects(lab.assemble(mirror.url, { key }), { code: "PACKAGE_INVALID", message });
    assert.deepEqual(lab.leftovers(), []);
  });

test("two packages with the same file", { skip }, async () => {
  await using lab = new Lab();
  const both = (fields: Record<string, string>): FakePackage[] => [
    { name: "app", files: { "./usr/": directory, "./usr/shared": "app's" } },
    { name: "tool", fields, files: { "./usr/": directory, "./usr/shared": "tool's" } },
  ];
  await assert.rejects(assemble(lab, both({})), {
    code: "PACKAGES_CONFLICT",
    message:
      /^cannot unpack "usr\/shared": package "(app|tool)" has it too, and neither replaces the other \(in package/,
  });
  assert.deepEqual(lab.leftovers(), []);
  const tree = await lab.tree(await assemble(lab, both({ Replaces: "app" })));
  assert.equal(readFileSync(join(tree, "usr/shared"), "utf8"), "tool's");
  assert.doesNotMatch(readFileSync(join(tree, "var/lib/dpkg/info/app.list"), "utf8"), /shared/);
  assert.match(readFileSync(join(tree, "var/lib/dpkg/info/tool.list"), "utf8"), /^\/usr\/shared$/m);
});
