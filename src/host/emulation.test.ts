import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { runsArchitecture } from "./emulation.ts";

const arm64 = "7f454c460201010000000000000000000200b700";
const s390x = "7f454c4602020100000000000000000000020016";

test("an architecture runs when an enabled interpreter that is kept open takes its programs", () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    [`enabled\ninterpreter /usr/bin/qemu-aarch64\nflags: OCF\noffset 0\nmagic ${arm64}\n`, "arm64", true],
    [`enabled\ninterpreter /usr/bin/qemu-aarch64\nflags: OC\noffset 0\nmagic ${arm64}\n`, "arm64", false],
    [`disabled\ninterpreter /usr/bin/qemu-aarch64\nflags: F\noffset 0\nmagic ${arm64}\n`, "arm64", false],
    [`enabled\ninterpreter /usr/bin/qemu-aarch64\nflags: F\noffset 0\nmagic ${arm64}\n`, "riscv64", false],
    [`enabled\ninterpreter /usr/bin/qemu-s390x\nflags: F\noffset 0\nmagic ${s390x}\n`, "s390x", true],
    ["enabled\ninterpreter /usr/bin/jarwrapper\nflags: \nextension .jar\n", "arm64", false],
  ];
  for (const [text, architecture, expected] of cases) {
    if (architecture === process.arch) continue;
    const directory = mkdtempSync(join(tmpdir(), "lighter-binfmt-"));
    writeFileSync(join(directory, "entry"), text);
    assert.equal(runsArchitecture(architecture, directory), expected, text);
    rmSync(directory, { recursive: true });
  }
  assert.equal(runsArchitecture("pdp11"), false);
  assert.equal(runsArchitecture("arm64", "/nowhere"), process.arch === "arm64");
});
