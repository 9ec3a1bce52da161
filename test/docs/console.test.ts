// Runs the console blocks of the pages and compares what they print: a page cannot promise what lighter does not do.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { followSteps, readSteps } from "../support/console-page.ts";

const pages = ["README.md"];
const root = mkdtempSync(join(tmpdir(), "lighter-docs-"));
after(() => rmSync(root, { recursive: true, force: true }));

for (const page of pages) {
  const steps = readSteps(page);
  test(`${page}: its ${steps.length} console lines do what the page says`, { skip: reasonToSkip() }, () =>
    followSteps(steps, { LIGHTER_ROOT: root }),
  );
}

function reasonToSkip(): string | false {
  if (process.getuid?.() !== 0) return "needs root";
  if (!existsSync("dist/cli/cli.js")) return "dist is not built; run npm run setup";
  return false;
}

test("examples/library builds and runs through the engine", { skip: reasonToSkip() }, () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["examples/library/build-and-run.mjs"], {
    env: { ...process.env, LIGHTER_ROOT: root },
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^built sha256:[0-9a-f]{64}, \d+ bytes$/m);
  assert.match(stdout, /^6 x 7 = 42 \(status 0\)$/m);
  assert.match(stdout, /^COMMAND_NOT_FOUND: cannot run "\/absent": /m);
});

test("examples/library says why a step runs", { skip: reasonToSkip() }, () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["examples/library/explain.mjs"], {
    env: { ...process.env, LIGHTER_ROOT: root },
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  assert.deepEqual(stdout.split("\n").slice(0, -1), [
    "read: [internal] load build context",
    "cached: [1/2] COPY package.json /",
    "run: [2/2] COPY src /src, for src/app.js changed",
    "src/app.js: changed",
  ]);
});
