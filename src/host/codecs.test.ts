import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { isLighterError } from "#base";
import { createCodecs } from "./codecs.ts";
import type { Processes } from "./host.ts";
import { createProcesses } from "./processes.ts";
import type { Sys } from "./sys.ts";

// The ways that are taken where the system's libraries are missing.
const noLibraries = (): Sys => {
  throw new Error("no library");
};
const programs = createProcesses(undefined);
const noPrograms: Processes = { ...createProcesses(undefined), find: () => undefined };
const data = Buffer.alloc(300_000, "lighter ");
const packed = spawnSync("xz", ["-c"], { input: data }).stdout;
const skip = (packed === null || packed.length === 0) && "xz is not installed";

const ways = [
  ["the xz program", programs],
  ["the bundled decoder", noPrograms],
] as const;

for (const [what, processes] of ways) {
  const codecs = createCodecs(noLibraries, processes);
  test(`without liblzma, xz is decoded by ${what}`, { skip }, async () => {
    assert.ok(data.equals(await codecs.xz(packed)));
  });
  for (const damaged of [Buffer.from("text"), packed?.subarray(0, 100)])
    test(`${what} refuses ${damaged.length} bytes`, { skip }, async () => {
      await assert.rejects(codecs.xz(damaged), (error) => isLighterError(error, "ARCHIVE_INVALID"));
    });
}
