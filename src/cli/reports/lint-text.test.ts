import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { runCommandLine } from "../command-line.ts";
import type { CliEngine } from "../engine-port.ts";
import { fakeEngine, fakeIo } from "../testing.ts";
import { fixAll, lintText } from "./lint-text.ts";

const dockerfile = `FROM debian:12 AS Base
RUN apt-get update && apt-get install -y curl && npm ci
`;

test("lintText() finds what BuildKit's rules and lighter's find", () => {
  const rules = lintText(dockerfile).answer.warnings.map(({ rule }) => rule);
  assert.deepEqual([...new Set(rules)].toSorted(), [
    "PackageCacheKept",
    "RunningAsRoot",
    "StageNameCasing",
    "UnpinnedBase",
  ]);
});

test("lintText() knows the ignore file", () => {
  const rules = lintText("FROM scratch\nCOPY a /\n", { ignoreFile: "a\n" }).answer.warnings.map(
    ({ rule }) => rule,
  );
  assert.ok(rules.includes("CopyIgnoredFile"));
});

test("fixAll() goes on until nothing can be mended", () => {
  const { text, count } = fixAll(dockerfile);
  assert.ok(count >= 2);
  assert.deepEqual(fixAll(text), { text, count: 0 });
  assert.ok(!lintText(text).answer.warnings.some(({ rule }) => rule === "PackageCacheKept"));
});

test("lint --fix pins a base to the digest in the store, of the index where there is one", async () => {
  const directory = mkdtempSync(join(tmpdir(), "lighter-lint-"));
  const path = join(directory, "Dockerfile");
  const digests: Record<string, object> = {
    "debian:12": { target: { digest: "sha256:1" }, index: { digest: "sha256:2" } },
    alpine: { target: { digest: "sha256:3" } },
  };
  const find = (name: string) => digests[name] as ReturnType<CliEngine["images"]["find"]>;
  try {
    writeFileSync(path, "FROM debian:12 AS a\nFROM alpine\nFROM other\nUSER 1\n");
    const io = fakeIo();
    await runCommandLine(["lint", "--fix", path], {
      io,
      signal: new AbortController().signal,
      onSignals: () => {},
      openEngine: () => Promise.resolve(fakeEngine({ images: { find } })),
    });
    assert.equal(
      readFileSync(path, "utf8"),
      "FROM debian:12@sha256:2 AS a\nFROM alpine@sha256:3\nFROM other\nUSER 1\n",
    );
    assert.match(io.written.stdout, /^Hint: lighter pull other, or build the file once/m);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

async function lint(...line: readonly string[]) {
  const io = fakeIo();
  const status = await runCommandLine(["lint", ...line], {
    io,
    signal: new AbortController().signal,
    onSignals: () => {},
    openEngine: () => Promise.resolve(fakeEngine({ images: { find: () => undefined } })),
  });
  return { status, ...io.written };
}

test("lint: text, json, --fix and statuses, without an engine", async () => {
  const directory = mkdtempSync(join(tmpdir(), "lighter-lint-"));
  const path = join(directory, "Dockerfile");
  try {
    writeFileSync(path, dockerfile);
    const text = await lint(directory);
    assert.equal(text.status, 1);
    assert.match(text.stdout, /^WARNING: .*\n.*\n.*Dockerfile:1\n/);
    const { warnings } = JSON.parse((await lint("--format", "json", path)).stdout) as {
      warnings: { ruleName: string }[];
    };
    assert.ok(warnings.some(({ ruleName }) => ruleName === "UnpinnedBase"));
    const fixed = await lint("--fix", path);
    assert.match(fixed.stdout, /^Mended \d+ of what was found\.\n/);
    assert.match(readFileSync(path, "utf8"), /rm -rf \/var\/lib\/apt\/lists/);
    writeFileSync(path, "FROM scratch\nCOPY a /\nUSER 1\n");
    assert.deepEqual(await lint(path), {
      status: 0,
      stdout: "Check complete, no warnings found.\n",
      stderr: "",
    });
    assert.match((await lint(join(directory, "none"))).stderr, /cannot read .*: no such file/);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
