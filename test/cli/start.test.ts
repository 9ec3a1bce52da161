import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  existsSync,
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
import { openClone, whyNoMachine } from "../support/cli.ts";

const limit = 1.4;
const processorLimit = 1.8;

test(`lighter version takes less than ${limit} times as long as node -e 0`, () => {
  const ratios: number[] = [];
  const spent = { bare: 0, full: 0 };
  // A busy machine disturbs single runs: the quickest of many pairs is compared, and a bad minute gets more chances.
  for (let attempt = 0; attempt < 4; attempt += 1) {
    const ratio = measureRatio(20, spent);
    ratios.push(ratio);
    if (ratio < limit) return;
  }
  // Where every run had to wait for others, what the processors did for it is all that can be told.
  const ratio = spent.full / spent.bare;
  const told = ratios.map((each) => each.toFixed(2)).join(", ");
  assert.ok(ratio < processorLimit, `the ratios were ${told}, of processor time ${ratio.toFixed(2)}`);
});

function measureRatio(runs: number, spent: { bare: number; full: number }): number {
  let bare = Number.POSITIVE_INFINITY;
  let full = Number.POSITIVE_INFINITY;
  for (let run = 0; run < runs; run += 1) {
    const before = processorTicks();
    bare = Math.min(bare, timeOf(process.execPath, ["-e", "0"]));
    const between = processorTicks();
    full = Math.min(full, timeOf("bin/lighter", ["version"]));
    spent.bare += between - before;
    spent.full += processorTicks() - between;
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

/** Of this process's children that have ended, in the program and in the kernel. */
function processorTicks(): number {
  const fields = readFileSync("/proc/self/stat", "latin1").split(") ")[1]?.split(" ") ?? [];
  return Number(fields[13]) + Number(fields[14]);
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

test("a start loads neither node:crypto nor node:child_process", { skip: whyNoMachine() }, () => {
  using clone = openClone();
  writeFileSync(join(clone.folder, "second"), "");
  const busybox = ["/bin/busybox", "/usr/bin/busybox"].find((path) => existsSync(path)) ?? "";
  copyFileSync(busybox, join(clone.folder, "busybox"));
  // Of several layers a start has to compute a digest.
  const dockerfile = "FROM scratch\nCOPY busybox /bin/\nCOPY second /\n";
  writeFileSync(join(clone.folder, "Dockerfile"), dockerfile);
  const built = clone.run(["build", "-q", "-t", "layers", "."]);
  assert.equal(built.status, 0, built.stderr);
  const list = join(clone.folder, "loaded");
  const hook = join(clone.folder, "hook.cjs");
  const write = `require("fs").writeFileSync(${JSON.stringify(list)}, process.moduleLoadList.join("\\n"))`;
  writeFileSync(hook, `process.on("exit", () => ${write});\n`);
  const env = { NODE_OPTIONS: `--require=${hook}` };
  // The first of a store asks the runtime what it can do.
  for (const _ of ["first", "second"]) {
    const ended = clone.run(["run", "--rm", "--network", "none", "layers", "busybox", "true"], { env });
    assert.equal(ended.status, 0, ended.stderr);
  }
  const loaded = readFileSync(list, "utf8").split("\n");
  assert.ok(loaded.includes("NativeModule vm"), "what was loaded is not known");
  assert.deepEqual(
    loaded.filter((name) => /^NativeModule (?:crypto|child_process)$/.test(name)),
    [],
  );
});
