import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parseBinaryPackage } from "#debian";
import {
  comparePackages,
  makeLock,
  packagesOfLock,
  readLock,
  rejectDowngrade,
  writeLock,
} from "./recipe-lock.ts";

const sha = (digit: string) => digit.repeat(64);
const stanza = `Package: app\nVersion: 1:2.0-1\nArchitecture: amd64\nMulti-Arch: same\nReplaces: old (<< 2)\nFilename: pool/a/app.deb\nSize: 10\nSHA256: ${sha("a")}\n`;

test("a lock that was written is read back, with all that decides the image", () => {
  const folder = mkdtempSync(join(tmpdir(), "lighter-lock-"));
  try {
    const path = join(folder, "a.lock.json");
    const candidate = parseBinaryPackage(stanza, "amd64");
    const facts = { recipe: "a", release: "bookworm", architecture: "amd64" };
    writeLock(path, makeLock(facts, [{ candidate, url: "http://deb.debian.org/debian" }]));
    const [back] = packagesOfLock(readLock(path) ?? makeLock(facts, []));
    const { name, version, sha256, replaces, multiArch } = candidate;
    assert.deepEqual(back?.url, "http://deb.debian.org/debian");
    assert.deepEqual({ ...back?.candidate, name, version, sha256, replaces, multiArch }, back?.candidate);
    assert.equal(readLock(join(folder, "none")), undefined);
    assert.throws(() => readLock(join(folder, "none"), { mustExist: true }), { code: "RECIPE_NOT_FOUND" });
    for (const text of [
      "",
      "{}",
      "[]",
      '{"version":2}',
      '{"version":1,"architecture":"amd64","packages":[{}]}',
      '{"version":1,"architecture":"amd64","packages":[null]}',
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
