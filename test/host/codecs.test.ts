import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { isLighterError } from "#base";
import { createHost } from "#host";

const { codecs } = createHost();
const codecNames = ["xz", "zstd"] as const;

function compress(program: string, data: Buffer, ...args: readonly string[]): Buffer {
  return spawnSync(program, [...args, "-c"], { input: data, maxBuffer: 1 << 28 }).stdout;
}

const samples = {
  nothing: Buffer.alloc(0),
  "one byte": Buffer.from("x"),
  "random data": randomBytes(1_000_000),
  "40 MB of zeros": Buffer.alloc(40_000_000),
  "just one piece": randomBytes(1 << 16),
};

for (const name of codecNames) {
  const skip = spawnSync(name, ["--version"]).status !== 0 && `${name} is not installed`;
  for (const [what, data] of Object.entries(samples))
    test(`${name} decodes ${what}`, { skip }, async () => {
      assert.ok(data.equals(await codecs[name](compress(name, data))));
    });

  test(`${name} decodes streams that follow each other`, { skip }, async () => {
    const joined = Buffer.concat([compress(name, Buffer.from("one ")), compress(name, Buffer.from("two"))]);
    assert.equal(Buffer.from(await codecs[name](joined)).toString(), "one two");
  });

  const good = skip === false ? compress(name, randomBytes(100_000)) : Buffer.alloc(0);
  const damaged = {
    "nothing at all": Buffer.alloc(0),
    text: Buffer.from("this is not compressed"),
    "the first half": good.subarray(0, good.length / 2),
    "all but the last byte": good.subarray(0, -1),
    "a changed byte": Buffer.concat([
      good.subarray(0, 20_000),
      Buffer.from([good.at(20_000) ?? 0]).map((x) => x ^ 255),
      good.subarray(20_001),
    ]),
  };
  for (const [what, data] of Object.entries(damaged))
    test(`${name} refuses ${what}`, { skip }, async () => {
      await assert.rejects(codecs[name](data), (error) => isLighterError(error, "ARCHIVE_INVALID"));
    });

  test(`${name} decodes side by side`, { skip }, async () => {
    const data = samples["random data"];
    const packed = compress(name, data);
    const all = await Promise.all(Array.from({ length: 8 }, () => codecs[name](packed)));
    assert.ok(all.every((one) => data.equals(one)));
  });
}
