import assert from "node:assert/strict";
import { test } from "node:test";
import { formatParagraph, parseParagraph, parseParagraphs } from "./paragraph.ts";

test("a paragraph's fields, by any case, with continuation lines", () => {
  const paragraph = parseParagraph("Package: hello\nDescription: greets\n in two lines\n .\n  and a list\n");
  assert.equal(paragraph.find("package"), "hello");
  assert.equal(paragraph.find("DESCRIPTION"), "greets\nin two lines\n.\n and a list");
  assert.equal(paragraph.find("Version"), undefined);
});

test("comments and a value that begins on the next line", () => {
  const paragraph = parseParagraph("# a comment\nConffiles:\n /etc/a 1\n /etc/b 2\n");
  assert.equal(paragraph.find("Conffiles"), "/etc/a 1\n/etc/b 2");
});

test("paragraphs are parted by empty lines, however many", () => {
  const names = parseParagraphs("A: 1\n\n\n \nA: 2\n\n").map((paragraph) => paragraph.find("A"));
  assert.deepEqual(names, ["1", "2"]);
});

test("what dpkg wrote is written again byte for byte", () => {
  const text = "Package: dash\nDescription: shell\n long text\n .\n  indented\nConffiles:\n /etc/a 1\n";
  const paragraph = parseParagraph(text);
  // A value with nothing on its first line is told by its leading line feed.
  paragraph.set("Conffiles", "\n/etc/a 1");
  assert.equal(formatParagraph(paragraph), text);
});

const malformed = [
  ["no colon here", /cannot read control paragraph: "no colon here" is no "Name: value" line/],
  [" begins with a continuation", /is no "Name: value" line/],
  [": no name", /is no "Name: value" line/],
  ["a name: x", /is no "Name: value" line/],
  ["A: 1\na: 2", /field "a" stands twice/],
] as const;

test("malformed paragraphs are refused with the line", () => {
  for (const [text, message] of malformed)
    assert.throws(() => parseParagraph(text), { code: "INDEX_INVALID", message });
});
