import assert from "node:assert/strict";
import { test } from "node:test";
import { isLighterError } from "#base";
import { listArMembers, readAr } from "./ar.ts";

const header = (name: string, size: number | string): string =>
  `${name.padEnd(16)}${"0".padEnd(12)}${"0".padEnd(6)}${"0".padEnd(6)}${"100644".padEnd(8)}${String(size).padEnd(10)}\`\n`;

const deb = Buffer.from(
  `!<arch>\n${header("debian-binary", 4)}2.0\n${header("control.tar.xz/", 3)}abc\n${header("data.tar.xz", 2)}de`,
);

test("members are listed with their places, names without the slash of GNU ar", () => {
  assert.deepEqual(
    readAr(deb).map(({ name, data }) => [name, Buffer.from(data).toString()]),
    [
      ["debian-binary", "2.0\n"],
      ["control.tar.xz", "abc"],
      ["data.tar.xz", "de"],
    ],
  );
  const reads: number[] = [];
  const members = listArMembers((offset, length) => {
    reads.push(length);
    return deb.subarray(offset, offset + length);
  }, deb.length);
  assert.equal(members.length, 3);
  assert.ok(Math.max(...reads) <= 60, "only headers are read");
});

const bad: readonly (readonly [what: string, bytes: Buffer])[] = [
  ["nothing", Buffer.alloc(0)],
  ["another kind of file", Buffer.from("#!/bin/sh\nexit\n")],
  ["a header cut off", deb.subarray(0, 40)],
  ["a member cut off", deb.subarray(0, deb.length - 1)],
  ["a size that is no number", Buffer.from(`!<arch>\n${header("a", "x")}`)],
  ["a size beyond the file", Buffer.from(`!<arch>\n${header("a", 9_999_999_999)}`)],
  ["no end mark", Buffer.from(`!<arch>\n${header("a", 0).slice(0, 58)}xx`)],
];

for (const [what, bytes] of bad)
  test(`refused: ${what}`, () =>
    assert.throws(
      () => readAr(bytes),
      (error) => isLighterError(error, "ARCHIVE_INVALID"),
    ));
