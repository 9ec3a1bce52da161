import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { cleanPath } from "./clean-path.ts";
import { parseDuration } from "./duration.ts";
import { byteLength, compareText } from "./go-text.ts";
import { chompHeredoc, codeFrame, detectSyntax, parse, quote, suggest } from "./index.ts";
import { parseSize } from "./size.ts";

describe("quote", () => {
  const cases: [string, string][] = [
    ["plain ~ text", '"plain ~ text"'],
    ['a"b\\c\n\t\x07', '"a\\"b\\\\c\\n\\t\\a"'],
    ["é日😀", '"é日😀"'],
    ["\x01\x7f", '"\\x01\\x7f"'],
    ["\u00a0\u2028\ufeff", '"\\u00a0\\u2028\\ufeff"'],
    ["\u{e0001}", '"\\U000e0001"'],
  ];
  for (const [text, wanted] of cases) test(wanted, () => assert.equal(quote(text), wanted));
});

describe("detectSyntax", () => {
  const cases: [string, [string, string, number] | undefined][] = [
    ["# syntax=a/b:1 x=y\nFROM a", ["a/b:1", "a/b:1 x=y", 1]],
    ["# check=skip=all\n#SYNTAX = a\nFROM a", ["a", "a", 2]],
    ["#!/usr/bin/x\n# syntax=a\n", ["a", "a", 2]],
    ["//syntax=a\n{}", ["a", "a", 1]],
    ['{"syntax": "a b"}', ["a b", "a b", 1]],
    ["FROM a\n# syntax=b", undefined],
    ["# hello\n# syntax=b", undefined],
    ["", undefined],
  ];
  for (const [text, wanted] of cases)
    test(JSON.stringify(text), () => {
      const found = detectSyntax(text);
      assert.deepEqual(found && [found.image, found.commandLine, found.line], wanted);
    });
});

describe("cleanPath", () => {
  const cases: [string, string][] = [
    ["", "."],
    ["a//b/./c/..", "a/b"],
    ["../../a", "../../a"],
    ["/../a/", "/a"],
    ["a/..", "."],
    ["/", "/"],
  ];
  for (const [path, wanted] of cases) test(path, () => assert.equal(cleanPath(path), wanted));
});

test("durations", () => {
  const cases: [string, number][] = [
    ["1h2m3s", 3_723e9],
    ["1.5ms", 1.5e6],
    ["-5us", -5e3],
    ["0", 0],
    [".5s", 5e8],
  ];
  for (const [text, wanted] of cases) assert.equal(parseDuration(text), wanted);
  for (const text of ["", "5", "x", "1y", ".s", "1.5.s", "-", "300000h9999999h"])
    assert.throws(() => parseDuration(text), /^Error: time: /);
});

test("sizes", () => {
  const cases: [string, number | undefined][] = [
    ["64m", 64 * 1024 ** 2],
    ["1.5 GiB", 1.5 * 1024 ** 3],
    ["512", 512],
    ["1kb", 1024],
    ["1x", undefined],
    ["-1", undefined],
    ["b", undefined],
  ];
  for (const [text, wanted] of cases) assert.equal(parseSize(text), wanted);
});

test("suggestions are near", () => {
  assert.equal(suggest("FRUM", ["FROM", "RUN"], false), "FROM");
  assert.equal(suggest("frum", ["FROM", "RUN"], false), "from");
  assert.equal(suggest("xyz", ["FROM", "RUN"], false), undefined);
  assert.equal(suggest("from", ["FROM"], false), undefined);
});

test("order and length are those of UTF-8", () => {
  assert.deepEqual(["\uffff", "😀", "b", "a", "ab"].sort(compareText), ["a", "ab", "b", "\uffff", "😀"]);
  for (const text of ["a", "é", "日", "😀", "a😀b", "\ud800", "\ud800x", "x\udc00", "é日😀"])
    assert.equal(byteLength(text), Buffer.byteLength(text), JSON.stringify(text));
});

test("chompHeredoc takes the tabs of every line", () => {
  assert.equal(chompHeredoc("\t\ta\n \tb\n\t\n\tc\rd\n"), "a\n \tb\n\nc\rd\n");
});

describe("codeFrame", () => {
  const range = (text: string, wanted: string) => {
    const { words } = parse(text).file.instructions.at(-1) ?? { words: [] };
    const word = words.find(({ value }) => value === wanted);
    assert.ok(word !== undefined);
    return word.range;
  };

  test("marks the place between its neighbours", () => {
    const text = "FROM a\nCOPY b /c\nRUN d\nCOPY \t x y";
    assert.equal(
      codeFrame(text, range(text, "x")),
      ["  3 | RUN d", "> 4 | COPY \t x y", "    |      \t ^"].join("\n"),
    );
  });

  test("long lines are cut, control characters replaced", () => {
    const text = `FROM a\nCOPY ${"x".repeat(500)} \x1b[31m y ${"z".repeat(500)}`;
    const [, marked = "", under = ""] = codeFrame(text, range(text, "\x1b[31m")).split("\n");
    assert.ok(marked.length < 140 && !marked.includes("\x1b"));
    assert.equal(marked.slice(under.indexOf("^"), under.lastIndexOf("^") + 1), "\ufffd[31m");
  });
});
