import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isLighterError } from "#base";
import { writeWhole } from "./write-whole.ts";

async function* bytes(): AsyncGenerator<Uint8Array, void, undefined> {
  yield await Promise.resolve(Buffer.from("whole"));
}

test("a file is written whole, and what a killed process left of it goes", async () => {
  const folder = mkdtempSync(join(tmpdir(), "lighter-write-"));
  try {
    const path = join(folder, "a.tar");
    const { pid: dead } = spawnSync(process.execPath, ["-e", ""]);
    const others = [`a.tar.${process.pid}0.txt`, `b.tar.${dead}.partial`, "a.tar.1.partial"];
    for (const name of [...others, `a.tar.${dead}.partial`]) writeFileSync(join(folder, name), "part");
    await writeWhole(path, bytes(), new AbortController().signal);
    assert.equal(readFileSync(path, "utf8"), "whole");
    assert.deepEqual(readdirSync(folder).sort(), ["a.tar", ...others].sort());
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("what is no file of its own is written to and stays", async () => {
  const folder = mkdtempSync(join(tmpdir(), "lighter-write-"));
  try {
    symlinkSync("behind", join(folder, "link"));
    await writeWhole(join(folder, "link"), bytes(), new AbortController().signal);
    assert.equal(lstatSync(join(folder, "link")).isSymbolicLink(), true);
    assert.equal(readFileSync(join(folder, "behind"), "utf8"), "whole");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a folder that is not there is told", async () => {
  await assert.rejects(writeWhole("/nosuch/folder/a.tar", bytes(), new AbortController().signal), (error) => {
    assert.ok(isLighterError(error, "ARGUMENT_INVALID"));
    return /cannot write "\/nosuch\/folder\/a.tar": there is no such directory/.test(error.message);
  });
});
