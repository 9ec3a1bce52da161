import assert from "node:assert/strict";
import { test } from "node:test";
import { layerTime } from "./layer-time.ts";
import { joinOrigins, timesOfContent } from "./time-origin.ts";

const epochSeconds = 42;
const options = { bornMs: 5_000_000, checkoutSeconds: new Set([1234]), epochSeconds };

const rows: readonly (readonly [string, number, number])[] = [
  ["written by a step", 5_000_001, epochSeconds],
  ["written in the clock tick before the step", 4_999_985, epochSeconds],
  ["of a checkout", 1_234_000, epochSeconds],
  ["of a checkout, cut or not to whole seconds", 1_234_999, epochSeconds],
  ["of a package", 1_235_000, 1235],
  ["before 1970", -1500, -2],
];
for (const [name, mtimeMs, expected] of rows)
  test(`the time of an entry ${name}`, () => assert.equal(layerTime(mtimeMs, options), expected));

test("the origin of a tree is that of all it was made from", () => {
  const joined = joinOrigins([
    timesOfContent,
    { bornMs: 7, checkouts: ["b"] },
    { bornMs: 3, checkouts: ["a", "b"] },
  ]);
  assert.deepEqual(joined, { bornMs: 3, checkouts: ["a", "b"] });
});
