import assert from "node:assert/strict";
import { chmodSync, linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { emptyContents, inspectTree } from "./contents.ts";

/** A tree from lines: `usr/bin/dash 0755 5`, `usr/bin/sh -> dash`, `usr/bin/twin = dash`. */
function makeTree(lines: readonly string[]): string {
  const root = mkdtempSync(join(tmpdir(), "lighter-contents-"));
  for (const line of lines) {
    const [path = "", second = "", third = ""] = line.split(" ");
    const full = join(root, path);
    mkdirSync(join(full, ".."), { recursive: true });
    if (second === "->") symlinkSync(third, full);
    else if (second === "=") linkSync(join(root, third), full);
    else {
      writeFileSync(full, "x".repeat(Number(third)));
      chmodSync(full, Number.parseInt(second, 8));
    }
  }
  return root;
}

test("inspectTree() counts entries and names shells, package managers and setuid programs", () => {
  const root = makeTree([
    "usr/bin/dash 0755 5",
    "usr/bin/sh -> dash",
    "usr/bin/dpkg 0755 7",
    "usr/bin/dash-copy = usr/bin/dash",
    "usr/bin/su 4755 3",
    "usr/share/doc/bash 0644 11",
    "etc/loop -> ../etc",
    "usr/local/bin/bash 0644 1",
  ]);
  try {
    assert.deepEqual(inspectTree(root), {
      files: 6,
      directories: 7,
      links: 2,
      others: 0,
      sizeBytes: 5 + 7 + 3 + 11 + 1,
      executables: 4,
      shells: ["/usr/bin/dash", "/usr/bin/sh"],
      packageManagers: ["/usr/bin/dpkg"],
      setuid: ["/usr/bin/su"],
    });
  } finally {
    rmSync(root, { recursive: true });
  }
});

test("inspectTree() of an empty directory is emptyContents", () => {
  const root = makeTree([]);
  try {
    assert.deepEqual(inspectTree(root), emptyContents);
  } finally {
    rmSync(root, { recursive: true });
  }
});
