import assert from "node:assert/strict";
import { test } from "node:test";
import { PackagesIndex } from "./packages-index.ts";

const tail = `Architecture: amd64\nSize: 1\nSHA256: ${"0".repeat(64)}\n`;
const text = [
  `Package: äpfel-no\nVersion: 1\nFilename: pool/x.deb\n${tail}`,
  `Package: one\nVersion: 1\nEssential: yes\nFilename: pool/one.deb\nProvides: thing, other (= 2)\nMaintainer: Jörg\n${tail}`,
  `Package: two\nVersion: 1\nPriority: required\nProvides: thing\nFilename: pool/two.deb\n${tail}`,
  `Package: two\nVersion: 2\nPriority: required\nFilename: pool/two-2.deb\n${tail}`,
].join("\n");
const open = (content: string) => new PackagesIndex(Buffer.from(content), "amd64");

test("packages by name, provided name and importance", () => {
  const index = open(text);
  const versions = (name: string) => index.list(name).map(({ version }) => version);
  const names = (list: readonly { name: string; version: string }[]) =>
    list.map(({ name, version }) => `${name}=${version}`);
  assert.deepEqual(versions("one"), ["1"]);
  assert.deepEqual(versions("two"), ["1", "2"]);
  assert.deepEqual(versions("three"), []);
  assert.deepEqual(names(index.providers("thing")), ["one=1", "two=1"]);
  assert.deepEqual(names(index.providers("other")), ["one=1"]);
  assert.deepEqual(names(index.required()), ["one=1", "two=1", "two=2"]);
});

test("an empty index", () => {
  assert.equal(open("").size, 0);
  assert.deepEqual(open("").required(), []);
});

test("a stanza is judged when it is asked for", () => {
  const index = open(text);
  assert.equal(index.list("one")[0]?.filename, "pool/one.deb");
  const rows = [
    ["Filename: pool/one.deb", "Filename: ../../etc/passwd.deb", /its field Filename is/],
    ["Filename: pool/one.deb", "Filename: /etc/x.deb", /its field Filename is/],
    ["Filename: pool/one.deb", "Filename: pool/./../one.deb", /its field Filename is/],
    ["Version: 1", "Version: 1 2", /its field Version is "1 2"/],
    ["SHA256: 0", "SHA256: x", /its field SHA256 is/],
    ["Size: 1", "Size: -1", /its field Size is "-1"/],
  ] as const;
  for (const [good, bad, message] of rows) {
    const damaged = open(text.slice(text.indexOf("Package: one")).replace(good, bad));
    assert.throws(() => damaged.list("one"), { code: "INDEX_INVALID", message });
  }
});

test("a large index opens in well under a second", () => {
  const stanza = (i: number) =>
    `Package: package-${i}\nVersion: 1\nDescription: ${"x".repeat(600)}\nFilename: pool/p.deb\n${tail}`;
  const large = open(Array.from({ length: 60_000 }, (_, i) => stanza(i)).join("\n"));
  assert.equal(large.size, 60_000);
  assert.equal(large.list("package-59999").length, 1);
});
