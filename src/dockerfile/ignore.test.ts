import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { compileIgnore, readIgnoreFile } from "./index.ts";

test("readIgnoreFile trims, cleans and drops comments", () => {
  const text = "\ufeff# comment\n  # pattern\n\n /a/b/../c/ \r\n!  /d\n!\n/\na//b\n";
  assert.deepEqual(readIgnoreFile(text), ["# pattern", "a/c", "!d", "!", "/", "a/b"]);
});

describe("matches", () => {
  const cases: [string, string, string][] = [
    // patterns (| for newline), left out, kept
    ["node_modules", "node_modules node_modules/a/b", "a/node_modules"],
    ["**/node_modules", "node_modules a/b/node_modules/c", "a/node_modules2"],
    ["*.md", "a.md", "b/a.md"],
    ["**/*.md|!README.md", "a.md b/README.md", "README.md"],
    ["a/**", "a/b a/b/c", "a ab"],
    ["a/**/z", "a/z a/b/c/z", "z a/bz"],
    ["a?c", "abc aéc", "a/c ac"],
    ["[a-c]x", "ax bx", "dx"],
    ["[^a-c]x", "dx", "ax"],
    ["\\*", "*", "a"],
    ["**log", "log a/xlog", "logs"],
    ["docs|!docs/keep", "docs docs/a", "docs/keep docs/keep/b"],
    ["*|!src|src/*.tmp", "a src/x.tmp", "src src/a"],
    ["**", "a a/b", "."],
    // A negation that names only a parent does not undo a pattern before it that the parent did not match.
    ["a/b|!a", "a/b", "a a/c"],
  ];
  for (const [patterns, ignored, kept] of cases)
    test(patterns, () => {
      const { matches } = compileIgnore(patterns.replaceAll("|", "\n"));
      assert.deepEqual(
        ignored.split(" ").filter((path) => !matches(path)),
        [],
      );
      assert.deepEqual(kept.split(" ").filter(matches), []);
    });
});

describe("mayContain", () => {
  const cases: [string, string, boolean][] = [
    ["node_modules", "node_modules", false],
    ["node_modules", "src", true],
    ["*|!src", "node_modules", false],
    ["*|!src/keep/*.ts", "src", true],
    ["*|!src/keep/*.ts", "src/keep", true],
    ["*|!src/keep/*.ts", "src/other", false],
    ["*|!src/keep/*.ts", "src/keep/deeper", false],
    ["**|!**/package.json", "node_modules/a", true],
    ["**|!p*/package.json", "node_modules", false],
    ["!a/b|a", "a", false],
    ["a|!a/b/**/c", "a/b/x/y", true],
    ["a|!a/[bc]", "a", true],
    ["a|!a/b", "a/b/c", true],
  ];
  for (const [patterns, directory, wanted] of cases)
    test(`${patterns}: ${directory}`, () => {
      assert.equal(compileIgnore(patterns.replaceAll("|", "\n")).mayContain(directory), wanted);
    });
});

describe("refused", () => {
  for (const pattern of ["!", "[", "[]a]", "a[", "[a-", "\\", "[z-a]", "[-]"])
    test(pattern, () => assert.throws(() => compileIgnore(pattern), { code: "IGNORE_FILE_INVALID" }));
});
