import assert from "node:assert/strict";
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { moveEntries, planLayers } from "./split-layers.ts";
import { TreeWriter } from "./tree-writer.ts";

const own = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0, mtimeSeconds: 1_000_000_000 };

test("each entry is in one layer, links to one file in the same, directories as they were", () => {
  const folder = mkdtempSync(join(tmpdir(), "lighter-layers-"));
  try {
    const root = join(folder, "root");
    mkdirSync(root);
    const tree = new TreeWriter(root);
    tree.directory("usr", { ...own, mode: 0o755 }, "libc6");
    tree.directory("usr/lib", { ...own, mode: 0o750 }, "libc6");
    tree.file("usr/lib/libc.so", "c", { ...own, mode: 0o644 }, "libc6");
    tree.file("usr/lib/tool", "t", { ...own, mode: 0o755 }, "tools");
    tree.hardlink("usr/lib/other", "usr/lib/libc.so", { ...own, mode: 0o644 }, "tools");
    tree.symlink("usr/lib/link", "tool", own, "tools");
    tree.file("etc/a.conf", "a", { ...own, mode: 0o600 });
    tree.file("var/lib/dpkg/status.d/libc6", "s", { ...own, mode: 0o644 });
    tree.finish();
    const layers = planLayers(tree, [
      { packages: ["libc*"], paths: [] },
      { packages: ["none"], paths: ["etc/*"] },
    ]);
    const files = layers.map((paths) =>
      paths.filter((path) => tree.directoryAttributes(path) === undefined).sort(),
    );
    assert.deepEqual(files, [
      ["usr/lib/libc.so", "usr/lib/other", "var/lib/dpkg/status.d/libc6"],
      ["etc/a.conf"],
      ["usr/lib/link", "usr/lib/tool"],
    ]);
    for (const [at, paths] of layers.entries()) {
      const target = join(folder, String(at));
      mkdirSync(target);
      moveEntries(tree, paths, target);
    }
    assert.equal(readFileSync(join(folder, "0/usr/lib/other"), "utf8"), "c");
    assert.equal(lstatSync(join(folder, "0/usr/lib/other")).nlink, 2);
    for (const at of ["0", "2"]) {
      const { mode, mtimeMs } = lstatSync(join(folder, at, "usr/lib"));
      assert.deepEqual([mode & 0o777, mtimeMs], [0o750, own.mtimeSeconds * 1000], at);
    }
    assert.equal(existsSync(join(folder, "1/usr")), false);
    assert.equal(existsSync(join(folder, "2/etc")), true, "the top layer has every directory");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
