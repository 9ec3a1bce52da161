import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { interpreterOf } from "./interpreter.ts";

const scripts = [
  ["#!/bin/sh\necho", "/bin/sh"],
  ["#! /usr/bin/env bash -e\n", "/usr/bin/env"],
  ["#!\t/bin/busybox", "/bin/busybox"],
  ["#!/bin/sh\r\necho\r\n", "/bin/sh\r"],
  ["#!\necho", undefined],
  ["echo", undefined],
  ["", undefined],
  ["\u007fELF", undefined],
] as const;

for (const [text, path] of scripts)
  test(`interpreter of ${JSON.stringify(text)} is ${path === undefined ? "none" : JSON.stringify(path)}`, () => {
    assert.equal(interpreterOf(Buffer.from(text, "latin1"))?.path, path);
  });

test("a script with Windows line ends is told so", () => {
  assert.equal(interpreterOf(Buffer.from(`#!/bin/sh\r\n`))?.help, "the script has Windows line ends");
});

test("the dynamic loader of this Node", { skip: process.arch !== "x64" && "the path is x86-64's" }, () => {
  const head = readFileSync(process.execPath).subarray(0, 4096);
  const found = interpreterOf(head);
  assert.equal(found?.role, "dynamic loader");
  assert.match(found?.path ?? "", /^\/lib.*\/ld-/);
});

test("a header that points outside of the file is nobody's loader", () => {
  const head = Buffer.alloc(128);
  head.write("\u007fELF\u0002\u0001", 0, "latin1");
  head.writeBigUInt64LE(64n, 32);
  head.writeUInt16LE(56, 54);
  head.writeUInt16LE(0xffff, 56);
  head.writeUInt32LE(3, 64);
  head.writeBigUInt64LE(0xffffffffffffn, 64 + 8);
  head.writeBigUInt64LE(0xffffffffffffn, 64 + 32);
  assert.equal(interpreterOf(head), undefined);
});
