// Set-up in a stand-in for a clone: npm's part is stamped as done, the build is a stub that counts its runs.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

const nobody = 65_534;
const clone = mkdtempSync(join(tmpdir(), "lighter-setup-"));
after(() => rmSync(clone, { recursive: true, force: true }));

const stubBuild = `import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
mkdirSync("dist/types/engine", { recursive: true });
mkdirSync("dist/cli", { recursive: true });
writeFileSync("dist/cli/cli.js", "");
writeFileSync("dist/types/engine/index.d.ts", "");
appendFileSync("builds", "x");
`;

function makeClone(): void {
  for (const folder of [
    "scripts",
    "src",
    "node_modules/esbuild",
    ".build/setup",
    "nothing",
    "monitor/prebuilt",
    "resolver/prebuilt",
  ])
    mkdirSync(join(clone, folder), { recursive: true });
  copyFileSync("scripts/setup.mjs", join(clone, "scripts/setup.mjs"));
  writeFileSync(join(clone, "scripts/build.mjs"), stubBuild);
  for (const program of ["monitor", "resolver"])
    writeFileSync(join(clone, `${program}/prebuilt/lighter-${program}-${process.arch}`), "");
  writeFileSync(join(clone, "src/source.ts"), "1");
  writeFileSync(join(clone, "package.json"), '{ "type": "module" }');
  writeFileSync(join(clone, "package-lock.json"), "{}");
  writeFileSync(join(clone, ".build/setup/npm"), createHash("sha256").update("{}").digest("hex"));
  for (const entry of ["", ...readdirSync(clone, { recursive: true, encoding: "utf8" })])
    chownSync(join(clone, entry), nobody, nobody);
}

/** Runs set-up as nobody, with no program on the path. */
function setUp(...args: readonly string[]) {
  return spawnSync(process.execPath, [join(clone, "scripts/setup.mjs"), ...args], {
    encoding: "utf8",
    env: { PATH: join(clone, "nothing") },
    uid: nobody,
    gid: nobody,
  });
}

test("set-up without root names what is missing, builds, and does nothing the second time", {
  skip: process.getuid?.() !== 0 && "needs root to become nobody",
}, () => {
  makeClone();
  const first = setUp("--test");
  assert.match(first.stderr, /set-up cannot install them: this is not root/);
  assert.match(first.stderr, /sudo apt-get install --no-install-recommends .*\bskopeo umoci\b/);
  assert.match(first.stderr, /sudo dnf install /);
  assert.ok(first.stderr.split("\n").length < 24, `more than one screen: ${first.stderr}`);
  if (first.status !== 0) {
    // Neither crun nor runc in /usr/sbin: the engine itself is missing something, and set-up fails.
    assert.match(first.stderr, /apt-get install .*crun/);
    return;
  }
  assert.equal(readFileSync(join(clone, "builds"), "utf8"), "x");
  assert.deepEqual([setUp().stdout, setUp().status], ["", 0]);
  assert.equal(readFileSync(join(clone, "builds"), "utf8"), "x");
  appendFileSync(join(clone, "src/source.ts"), "2");
  assert.match(setUp().stdout, /set-up: dist/);
  assert.equal(readFileSync(join(clone, "builds"), "utf8"), "xx");
});
