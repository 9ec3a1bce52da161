import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

const limit = 1.6;

test(`lighter version takes less than ${limit} times as long as node -e 0`, () => {
  const ratios: number[] = [];
  // A busy machine disturbs single runs: the quickest of many pairs is compared, and a bad minute gets two more chances.
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const ratio = measureRatio(20);
    ratios.push(ratio);
    if (ratio < limit) return;
  }
  assert.fail(`the ratios were ${ratios.map((ratio) => ratio.toFixed(2)).join(", ")}`);
});

function measureRatio(runs: number): number {
  let bare = Number.POSITIVE_INFINITY;
  let full = Number.POSITIVE_INFINITY;
  for (let run = 0; run < runs; run += 1) {
    bare = Math.min(bare, timeOf(process.execPath, ["-e", "0"]));
    full = Math.min(full, timeOf("bin/lighter", ["version"]));
  }
  return full / bare;
}

function timeOf(program: string, args: readonly string[]): number {
  const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
  const start = process.hrtime.bigint();
  const { status } = spawnSync(program, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  assert.equal(status, 0);
  return Number(process.hrtime.bigint() - start);
}
