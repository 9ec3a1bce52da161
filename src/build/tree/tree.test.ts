import assert from "node:assert/strict";
import { test } from "node:test";
import { compilePart, hasWildcard } from "./patterns.ts";
import { cleanPath } from "./tree.ts";

const matches: readonly (readonly [string, string, boolean])[] = [
  ["*", "a.b", true],
  ["*.txt", "a.txt", true],
  ["*.txt", "a.txt.gz", false],
  ["a?c", "abc", true],
  ["a?c", "ac", false],
  ["[a-c]x", "bx", true],
  ["[^a-c]x", "bx", false],
  ["[^a-c]x", "dx", true],
  ["[a\\-c]x", "-x", true],
  ["\\*", "*", true],
  ["\\*", "a", false],
  ["a.c", "abc", false],
  ["é?", "éü", true],
  ["[", "[", false],
  ["[]a]", "]", false],
  ["a\\", "a", false],
  ["(a|b)", "(a|b)", true],
];
for (const [pattern, name, expected] of matches)
  test(`${pattern} ${expected ? "matches" : "does not match"} ${name}`, () => {
    assert.equal(compilePart(pattern).test(name), expected);
  });

test("wildcards are told from escaped characters", () => {
  assert.deepEqual(["a*", "a?", "[a]", "a\\*", "\\[a]", "plain"].map(hasWildcard), [
    true,
    true,
    true,
    false,
    false,
    false,
  ]);
});

test("paths stop at the root", () => {
  assert.deepEqual(["/a//b/./c/", "../../x", "a/../../b", "/", "."].map(cleanPath), [
    "a/b/c",
    "x",
    "b",
    "",
    "",
  ]);
});
