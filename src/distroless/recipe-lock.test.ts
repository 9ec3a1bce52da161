import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parseBinaryPackage } from "#debian";
import type { RecipeDefinition } from "./recipe-definition.ts";
import {
  comparePackages,
  makeLock,
  packagesOfLock,
  readLock,
  rejectDowngrade,
  rejectOtherLock,
  writeLock,
} from "./recipe-lock.ts";
import type { Recipe } from "./recipe-source.ts";

const sha = (digit: string) => digit.repeat(64);
const stanza = `Package: app\nVersion: 1:2.0-1\nArchitecture: amd64\nMulti-Arch: same\nReplaces: old (<< 2)\nFilename: pool/a/app.deb\nSize: 10\nSHA256: ${sha("a")}\n`;

function recipe(changes: Partial<RecipeDefinition>): Recipe {
  const plain = { name: "a", release: "bookworm", repository: "a", tags: [], packages: ["app"], env: [] };
  const platform = { os: "linux", architecture: "amd64" };
  return { name: "a", suite: "bookworm", description: "", platform, definition: { ...plain, ...changes } };
}

test("a lock fits the recipe that it was written for, and no other", () => {
  const candidate = parseBinaryPackage(stanza.replace("Package: app", "Package: lib"), "amd64");
  const lock = makeLock(recipe({}), "amd64", {
    packages: [{ candidate, url: "http://deb.debian.org/debian" }],
  });
  rejectOtherLock(
    recipe({ env: [{ name: "A", value: "1" }], files: [{ path: "a", text: "" }] }),
    "amd64",
    lock,
  );
  const rows: readonly (readonly [Recipe, string, RegExp])[] = [
    [recipe({}), "arm64", /for bookworm on amd64, not for bookworm on arm64/],
    [{ ...recipe({}), suite: "trixie" }, "amd64", /not for trixie/],
    [recipe({ packages: ["app", "more"] }), "amd64", /did not ask for "more"; lock it anew/],
    [recipe({ packages: [] }), "amd64", /still asked for "app"/],
    [recipe({ packages: ["app"], ignore: ["lib"] }), "amd64", /did not ignore "lib"; lock it anew/],
    [recipe({ libraries: ["libz.so.1"] }), "amd64", /did not ask for "libz\.so\.1"/],
    [
      recipe({ jlink: { package: "openjdk-17-jdk-headless", modules: [] } }),
      "amd64",
      /openjdk-17-jdk-headless/,
    ],
  ];
  for (const [other, architecture, message] of rows)
    assert.throws(() => rejectOtherLock(other, architecture, lock), { code: "RECIPE_INVALID", message });
});

test("a lock that was written is read back, with all that decides the image", () => {
  const folder = mkdtempSync(join(tmpdir(), "lighter-lock-"));
  try {
    const path = join(folder, "a.lock.json");
    const candidate = parseBinaryPackage(stanza, "amd64");
    const packages = [{ candidate, url: "http://deb.debian.org/debian" }];
    writeLock(path, makeLock(recipe({}), "amd64", { packages, kit: packages }));
    const read = readLock(path);
    assert.ok(read);
    const { packages: all, kit } = packagesOfLock(read);
    const [back] = all;
    assert.deepEqual(kit, all);
    const { name, version, sha256, replaces, multiArch } = candidate;
    assert.deepEqual(back?.url, "http://deb.debian.org/debian");
    assert.deepEqual({ ...back?.candidate, name, version, sha256, replaces, multiArch }, back?.candidate);
    assert.equal(readLock(join(folder, "none")), undefined);
    assert.throws(() => readLock(join(folder, "none"), { mustExist: true }), { code: "RECIPE_NOT_FOUND" });
    for (const text of [
      "",
      "{}",
      "[]",
      '{"version":3}',
      '{"version":2,"architecture":"amd64","packages":[]}',
      '{"version":2,"architecture":"amd64","asked":[1],"packages":[]}',
      '{"version":2,"architecture":"amd64","asked":[],"packages":[{}]}',
      '{"version":2,"architecture":"amd64","asked":[],"packages":[null]}',
      '{"version":2,"architecture":"amd64","asked":[],"packages":[],"kit":[{}]}',
    ]) {
      writeFileSync(path, text);
      assert.throws(() => readLock(path), { code: "RECIPE_INVALID" }, text);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("how sets of packages differ", () => {
  const item = (name: string, version: string, digit: string) => ({ name, version, sha256: sha(digit) });
  const changes = comparePackages(
    [
      item("a", "1", "1"),
      item("b", "2", "1"),
      item("c", "1.10", "1"),
      item("d", "1", "1"),
      item("e", "1", "1"),
    ],
    [
      item("a", "1", "1"),
      item("b", "2+deb12u1", "2"),
      item("c", "1.9", "2"),
      item("e", "1", "2"),
      item("f", "1", "1"),
    ],
  );
  assert.deepEqual(
    changes.map(({ name, kind }) => `${name} ${kind}`),
    ["b newer", "c older", "d removed", "e rebuilt", "f added"],
  );
  assert.throws(() => rejectDowngrade(changes, "x.lock.json"), {
    message: /the archive has c 1\.9, older than 1\.10 in the lock/,
  });
  rejectDowngrade(
    changes.filter(({ kind }) => kind !== "older"),
    "x.lock.json",
  );
});
