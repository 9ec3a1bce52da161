import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const limit = 1.4;

test(`lighter version takes less than ${limit} times as long as node -e 0`, () => {
  const ratios: number[] = [];
  // A busy machine disturbs single runs: the quickest of many pairs is compared, and a bad minute gets more chances.
  for (let attempt = 0; attempt < 8; attempt += 1) {
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

/** A lighter of its own, without compiled code. */
function installCopy(): Disposable & { readonly program: string; packs(): readonly string[] } {
  const home = mkdtempSync(join(tmpdir(), "lighter-start-"));
  mkdirSync(join(home, "bin"));
  copyFileSync("bin/lighter", join(home, "bin/lighter"));
  cpSync("dist/cli", join(home, "dist/cli"), { recursive: true, filter: (path) => !path.includes(".pack") });
  const packs = (): readonly string[] =>
    readdirSync(join(home, "dist/cli"), { recursive: true, encoding: "utf8" })
      .filter((name) => name.includes(".pack"))
      .map((name) => join(home, "dist/cli", name));
  return {
    program: join(home, "bin/lighter"),
    packs,
    [Symbol.dispose]: () => rmSync(home, { recursive: true, force: true }),
  };
}

function succeed(
  program: string,
  environment: Readonly<Record<string, string>> = {},
  words: readonly string[] = ["version"],
): void {
  const { NODE_OPTIONS: _, ...inherited } = process.env;
  const { status, stdout, stderr } = spawnSync(program, words, { env: { ...inherited, ...environment } });
  assert.equal(status, 0, String(stderr));
  assert.match(String(stdout), /lighter /);
  assert.equal(String(stderr), "");
}

test("the first command keeps the compiled code, and what is not whole is made again", () => {
  using copy = installCopy();
  succeed(copy.program);
  const [pack = "", ...others] = copy.packs();
  assert.deepEqual(others, []);
  const whole = readFileSync(pack);
  for (const length of [0, 5, 1000, whole.length / 10, whole.length - 1]) {
    writeFileSync(pack, whole.subarray(0, length));
    succeed(copy.program);
    assert.deepEqual(copy.packs(), [pack]);
    assert.ok(readFileSync(pack).length > whole.length * 0.9, `cut to ${length} bytes it was left so`);
  }
});

test("another kind of command adds what it ran, and no value of a flag is kept", () => {
  using copy = installCopy();
  succeed(copy.program);
  const [pack = ""] = copy.packs();
  const first = readFileSync(pack, "latin1");
  succeed(copy.program, {}, ["help", "-psecret", "--password=secret"]);
  const both = readFileSync(pack, "latin1");
  assert.match(first, /"lessons":\["version"\]/);
  assert.match(both, /"lessons":\["version",.*"--password -p help"/);
  assert.ok(both.length > first.length);
  assert.doesNotMatch(both.slice(0, both.indexOf('"places"')), /secret/);
});

test("flags for V8 in the environment neither harm nor replace the compiled code", () => {
  using copy = installCopy();
  succeed(copy.program);
  const [pack = ""] = copy.packs();
  const whole = readFileSync(pack);
  succeed(copy.program, { NODE_OPTIONS: "--max-old-space-size=256" });
  assert.deepEqual(readFileSync(pack), whole);
});
