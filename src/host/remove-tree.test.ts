import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { removeTree } from "./remove-tree.ts";

const folder = mkdtempSync(join(tmpdir(), "lighter-remove-tree-"));
after(() => rmSync(folder, { recursive: true }));

test("a tree goes with links in it, and not what they lead to", () => {
  const [kept, tree] = [join(folder, "kept"), join(folder, "tree")];
  mkdirSync(kept);
  writeFileSync(join(kept, "file"), "kept");
  mkdirSync(join(tree, "a/b/c"), { recursive: true });
  writeFileSync(join(tree, "a/file"), "");
  symlinkSync(kept, join(tree, "a/link"));
  symlinkSync("/no/such", join(tree, "a/b/dangling"));
  removeTree(tree);
  assert.equal(existsSync(tree), false);
  assert.equal(readFileSync(join(kept, "file"), "utf8"), "kept");
});

test("a name that is no text goes, too", () => {
  const tree = join(folder, "bytes");
  mkdirSync(tree);
  writeFileSync(Buffer.concat([Buffer.from(`${tree}/`), Buffer.from([0xff, 0xfe])]), "");
  writeFileSync(join(tree, "after"), "");
  removeTree(tree);
  assert.equal(existsSync(tree), false);
});

test("what is absent stays so", () => {
  removeTree(join(folder, "absent"));
  assert.equal(existsSync(join(folder, "absent")), false);
});
