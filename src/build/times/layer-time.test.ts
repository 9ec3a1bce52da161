import assert from "node:assert/strict";
import { test } from "node:test";
import { layerTimes } from "./layer-time.ts";
import { joinOrigins, originOfBase, type TimeOrigin, timesOfContent } from "./time-origin.ts";

const epochSeconds = 42;
const sets: Readonly<Record<string, readonly number[]>> = {
  checkout: [1234, 3000],
  archive: [3000, 5001],
  older: [2000],
};
const recorded = { load: (names: readonly string[]) => new Set(names.flatMap((name) => sets[name] ?? [])) };
const base: TimeOrigin = { ...timesOfContent, ran: [[4_000_000, 4_001_000]], checkouts: ["older"] };
const origin = joinOrigins([
  originOfBase(base, 7),
  {
    ...timesOfContent,
    ran: [
      [5_000_000, 5_002_000],
      [6_000_500, 6_000_900],
    ],
    checkouts: ["checkout"],
    archives: ["archive"],
  },
]);
const timeOf = layerTimes(origin, { epochSeconds, recorded });

const rows: readonly (readonly [string, number, number])[] = [
  ["written by a step", 5_000_001, epochSeconds],
  ["written in the clock tick before the step", 4_999_985, epochSeconds],
  ["written by a step, cut to whole seconds", 6_000_000, epochSeconds],
  ["later than the steps", 5_003_000, 5003],
  ["of a checkout", 1_234_000, epochSeconds],
  ["of a checkout, cut or not to whole seconds", 1_234_999, epochSeconds],
  ["of an archive, while a step ran", 5_001_000, 5001],
  ["of an archive and of a checkout", 3_000_000, 3000],
  ["of a checkout in the second of an archive", 3_000_123, epochSeconds],
  ["of a package", 1_235_000, 1235],
  ["written by a step of the base", 4_001_000, 7],
  ["written by a step of the base, in a second in which one of this build ran too", 4_000_999.5, 7],
  ["of a checkout that the base was made from", 2_000_000, 7],
  ["before 1970", -1500, -2],
];
for (const [name, mtimeMs, expected] of rows)
  test(`the time of an entry ${name}`, () => assert.equal(timeOf(mtimeMs), expected));

test("the origin of a tree is that of all it was made from", () => {
  const joined = joinOrigins([
    timesOfContent,
    { ...timesOfContent, ran: [[7000, 7500]], checkouts: ["b"] },
    {
      ...timesOfContent,
      ran: [
        [3, 9],
        [7450, 7600],
      ],
      checkouts: ["a", "b"],
      archives: ["c"],
    },
  ]);
  const expected = {
    ran: [
      [3, 9],
      [7000, 7600],
    ],
    checkouts: ["a", "b"],
    archives: ["c"],
    bases: [],
  };
  assert.deepEqual(joined, expected);
});
