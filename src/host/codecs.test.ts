import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { isLighterError } from "#base";
import { createCodecs } from "./codecs.ts";
import { createHost } from "./create-host.ts";
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

test("without libdeflate, gzip is what Node makes of it", async () => {
  const codecs = createCodecs(noLibraries, noPrograms);
  for (const level of [undefined, 0, 1, 9])
    assert.ok(data.equals(gunzipSync(await codecs.gzip(data, level))), `level ${level}`);
});

test("gzip of every level and length is read back, many at once", async () => {
  const { codecs } = createHost();
  const noise = randomBytes(200_000);
  const inputs = [Buffer.alloc(0), Buffer.from("a"), noise, data];
  await Promise.all(
    inputs.flatMap((input) =>
      [undefined, 0, 1, 5, 9].map(async (level) => {
        const packed = await codecs.gzip(input, level);
        assert.ok(input.equals(gunzipSync(packed)), `level ${level} of ${input.length} bytes`);
        assert.ok(packed.length < input.length + 100, `level ${level} of ${input.length} bytes`);
      }),
    ),
  );
});
