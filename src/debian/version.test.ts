import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import fc from "fast-check";
import { compareVersions, satisfiesVersion, upstreamVersion } from "./version.ts";

fc.configureGlobal({ seed: Number(process.env["FUZZ_SEED"] ?? 1) });

const ordered = [
  ["1.0~rc1", "1.0"],
  ["1.0~~", "1.0~"],
  ["1.0~", "1.0"],
  ["1.0", "1.0a"],
  ["1.0a", "1.0+"],
  ["1.9", "1.10"],
  ["9", "1:0"],
  ["0:1.0-1", "1.0-2"],
  ["1.0-1", "1.0-1+deb12u1"],
  ["1.0-1+deb12u1", "1.0-1.1"],
  ["2.36-9+deb12u9", "2.36-9+deb12u13"],
  ["1.0a1", "1.0a10"],
  ["1-1", "1-1-1"],
] as const;

test("order of versions", () => {
  for (const [older, newer] of ordered) {
    assert.ok(compareVersions(older, newer) < 0, `${older} < ${newer}`);
    assert.ok(compareVersions(newer, older) > 0, `${newer} > ${older}`);
  }
});

test("versions that are equal", () => {
  for (const [a, b] of [
    ["1.0", "1.0"],
    ["0:1.0", "1.0"],
    ["1.0", "1.00"],
    ["1.0-0", "1.0"],
    ["001", "1"],
  ] as const)
    assert.equal(compareVersions(a, b), 0, `${a} = ${b}`);
});

test("a version that satisfies a bound", () => {
  const rows = [
    ["1.0", "<<", "1.1", true],
    ["1.0", "<=", "1.0", true],
    ["1.0", "=", "1.0-0", true],
    ["1.0", ">=", "1.1", false],
    ["1.2", ">>", "1.1", true],
    ["1.1", ">>", "1.1", false],
  ] as const;
  for (const [version, operator, bound, expected] of rows)
    assert.equal(satisfiesVersion(version, operator, bound), expected, `${version} ${operator} ${bound}`);
});

test("the upstream part", () => {
  assert.equal(upstreamVersion("2:1.19~1-3"), "1.19~1");
  assert.equal(upstreamVersion("1.19.8-2"), "1.19.8");
  assert.equal(upstreamVersion("12.4+deb12u15"), "12.4+deb12u15");
});

const hasDpkg = spawnSync("dpkg", ["--version"]).status === 0;

test("the order is dpkg's", { skip: !hasDpkg && "dpkg is not installed" }, () => {
  const part = fc.stringMatching(/^[0-9a-c.+~]{0,5}$/);
  const version = fc
    .tuple(fc.option(fc.nat(2), { nil: undefined }), fc.nat(12), part, fc.option(part, { nil: undefined }))
    .map(
      ([epoch, first, rest, revision]) =>
        `${epoch === undefined ? "" : `${epoch}:`}${first}${rest}${revision ? `-${revision}` : ""}`,
    );
  fc.assert(
    fc.property(version, version, (a, b) => {
      const { status } = spawnSync("dpkg", ["--compare-versions", a, "lt", b]);
      assert.equal(compareVersions(a, b) < 0, status === 0, `${a} < ${b}`);
      assert.equal(Math.sign(compareVersions(a, b)), -Math.sign(compareVersions(b, a)) + 0, `${a}, ${b}`);
    }),
    { numRuns: 300 },
  );
});
