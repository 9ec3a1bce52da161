import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { StatIndex } from "./stat-index.ts";

const status = (changes: Partial<Record<"ino" | "sizeBytes" | "mtimeMs" | "ctimeMs", number>> = {}) => ({
  dev: 1,
  ino: 2,
  nlink: 1,
  rdev: 0,
  sizeBytes: 3,
  mtimeMs: 1000.5,
  ctimeMs: 2000.25,
  ...changes,
});

function withIndex(run: (open: () => StatIndex, file: string) => void): void {
  const directory = mkdtempSync(join(tmpdir(), "lighter-index-"));
  try {
    const file = join(directory, "index");
    run(() => StatIndex.open(file), file);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test("a file that has not changed is known, also to the next build", () => {
  withIndex((open) => {
    const first = open();
    assert.equal(first.find("a", status()), undefined);
    first.set("a", { status: status(), sum: "aa", startedMs: 3000 });
    assert.equal(first.find("a", status()), "aa");
    first.save();
    assert.equal(open().find("a", status()), "aa");
  });
});

for (const change of [{ ino: 9 }, { sizeBytes: 9 }, { mtimeMs: 9 }, { ctimeMs: 9 }])
  test(`another ${Object.keys(change)} is another file`, () => {
    withIndex((open) => {
      const first = open();
      first.set("a", { status: status(), sum: "aa", startedMs: 3000 });
      first.save();
      assert.equal(open().find("a", status(change)), undefined);
    });
  });

test("what changed just before it was read is read again, and still tells what it was", () => {
  withIndex((open) => {
    const first = open();
    first.set("a", { status: status(), sum: "aa", startedMs: 2005 });
    first.save();
    const second = open();
    assert.equal(second.find("a", status()), undefined);
    second.set("a", { status: status({ ctimeMs: 2500 }), sum: "bb", startedMs: 9000 });
    assert.deepEqual([...second.changes], [["a", "changed"]]);
  });
});

test("paths that a build does not ask for are kept; new ones are told", () => {
  withIndex((open) => {
    const first = open();
    for (const path of ["a", "b/c", "d"]) first.set(path, { status: status(), sum: path, startedMs: 9000 });
    first.save();
    const second = open();
    assert.equal(second.find("d", status()), "d");
    assert.equal(second.find("new", status()), undefined);
    second.set("new", { status: status(), sum: "n", startedMs: 9000 });
    assert.deepEqual([...second.changes], [["new", "new"]]);
    second.save();
    const third = open();
    assert.deepEqual(
      ["a", "b/c", "d", "new"].map((path) => third.find(path, status())),
      ["a", "b/c", "d", "n"],
    );
  });
});

for (const damage of ["", "lighter stat index 1\n", "lighter stat index 1\n9 9 9\nshort", "something else"])
  test(`a damaged index is an empty one: ${JSON.stringify(damage)}`, () => {
    withIndex((open, file) => {
      writeFileSync(file, damage);
      assert.equal(open().find("a", status()), undefined);
    });
  });
