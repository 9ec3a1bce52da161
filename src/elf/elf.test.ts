import assert from "node:assert/strict";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { test } from "node:test";
import { type ElfFile, isElf, linkTree, readElf } from "./index.ts";

const libc = "/lib/x86_64-linux-gnu/libc.so.6";
const skip = !existsSync(libc) && `${libc} is absent`;

test("a library and a program of this machine", { skip }, () => {
  const library = readElf(readFileSync(realpathSync(libc)));
  assert.equal(library?.soname, "libc.so.6");
  assert.deepEqual(library.needed, ["ld-linux-x86-64.so.2"]);
  assert.ok(library.definedVersions.includes("GLIBC_2.34"));
  const program = readElf(readFileSync(realpathSync("/bin/ls")));
  assert.equal(program?.machine, 62);
  assert.equal(program.interpreter, "/lib64/ld-linux-x86-64.so.2");
  assert.ok(program.needed.includes("libc.so.6"));
  assert.ok(
    program.neededVersions.some(
      ({ library: name, version }) => name === "libc.so.6" && version.startsWith("GLIBC_2."),
    ),
  );
});

test("what is no ELF file, or a damaged one, is undefined and ends nothing", { skip }, () => {
  const bytes = readFileSync(realpathSync(libc));
  assert.equal(readElf(Buffer.from("#!/bin/sh")), undefined);
  assert.equal(readElf(Buffer.alloc(0)), undefined);
  for (const length of [4, 10, 63, 64, 200, 900])
    assert.equal(readElf(bytes.subarray(0, length))?.soname, undefined);
  for (let seed = 1; seed < 200; seed += 1) {
    const wild = Buffer.from(bytes.subarray(0, 4096));
    for (let at = 5 + (seed % 60); at < wild.length; at += seed) wild[at] = (at * seed) & 0xff;
    readElf(wild);
  }
  assert.ok(isElf(bytes));
});

const elf = (fields: Partial<ElfFile>): ElfFile => ({
  kind: "library",
  machine: 62,
  interpreter: undefined,
  soname: undefined,
  needed: [],
  runpath: [],
  neededVersions: [],
  definedVersions: [],
  ...fields,
});

test("what the linker finds, and what it does not", () => {
  const c = elf({ soname: "libc.so.6", definedVersions: ["libc.so.6", "GLIBC_2.17", "GLIBC_2.34"] });
  const need = (version: string) => ({ library: "libc.so.6", version });
  const rows: readonly (readonly [
    title: string,
    files: Record<string, ElfFile>,
    loads: readonly string[],
    faults: readonly string[],
  ])[] = [
    [
      "found",
      { app: elf({ needed: ["libc.so.6"], neededVersions: [need("GLIBC_2.34")] }), "lib/libc.so.6": c },
      ["lib/libc.so.6"],
      [],
    ],
    ["absent", { app: elf({ needed: ["libz.so.1"] }) }, [], ["app libz.so.1"]],
    [
      "too old",
      { app: elf({ needed: ["libc.so.6"], neededVersions: [need("GLIBC_2.38")] }), "lib/libc.so.6": c },
      ["lib/libc.so.6"],
      ["app libc.so.6 GLIBC_2.38"],
    ],
    ["no linker", { app: elf({ interpreter: "/lib64/ld.so" }) }, [], ["app /lib64/ld.so"]],
    [
      "beside it",
      { "opt/x/app": elf({ needed: ["liba.so"], runpath: ["$ORIGIN/../y"] }), "opt/y/liba.so": elf({}) },
      ["opt/y/liba.so"],
      [],
    ],
    [
      "loaded by its program",
      { "opt/x/b.so": elf({ needed: ["libjvm.so"] }), "opt/z/libjvm.so": elf({ soname: "libjvm.so" }) },
      ["opt/z/libjvm.so"],
      [],
    ],
    [
      "another machine's",
      { app: elf({ needed: ["libc.so.6"] }), "lib/libc.so.6": { ...c, machine: 183 } },
      [],
      ["app libc.so.6"],
    ],
  ];
  for (const [title, files, loads, faults] of rows) {
    const all = new Map(Object.entries(files));
    const resolve = (path: string) => {
      const parts: string[] = [];
      for (const part of path.split("/"))
        if (part === "..") parts.pop();
        else if (part !== "") parts.push(part);
      const real = parts.join("/");
      return all.has(real) || real === "lib" ? real : undefined;
    };
    const map = linkTree({ files: all, resolve, directories: ["/lib"] });
    const [first = ""] = all.keys();
    assert.deepEqual(map.loads.get(first), loads, title);
    assert.deepEqual(
      map.faults.map(({ path, library, version }) => [path, library, version].filter(Boolean).join(" ")),
      faults,
      title,
    );
  }
});
