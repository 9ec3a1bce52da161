// What a build had under way when it was killed with -9 is gone after the next command that opens the room.
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { createHost } from "#host";
import { type Clone, openClone, whyNoMachine } from "../support/cli.ts";
import { leftovers } from "../support/leftovers.ts";

const skip = whyNoMachine();
const lighter = join(process.cwd(), "bin/lighter");

test("a context on standard input that was half there", { skip }, async () => {
  using clone = openClone();
  const child = start(clone, ["build", "-"]);
  child.stdin?.on("error", () => undefined);
  child.stdin?.write(Buffer.alloc(1 << 20, "lighter"));
  await until(() => active(clone).some((path) => sizeOf(join(path, "fs/stream")) > 0));
  await kill(child);
  assert.equal(active(clone).length, 1);
  assertSwept(clone);
});

test("a repository that was half fetched", { skip }, async () => {
  using clone = openClone();
  // A git that never ends: what it was given to write into is there.
  const programs = join(clone.folder, "programs");
  mkdirSync(programs);
  writeFileSync(
    join(programs, "git"),
    '#!/bin/sh\ncase "$*" in *fetch*) echo $$ > "${0%/*}/pid"; exec sleep 1000;; esac\nexec /usr/bin/git "$@"\n',
    {
      mode: 0o755,
    },
  );
  const commit = "0123456789012345678901234567890123456789";
  const child = start(clone, ["build", `https://127.0.0.1:1/absent.git#${commit}`], {
    PATH: `${programs}:${process.env["PATH"]}`,
  });
  await until(() => sizeOf(join(programs, "pid")) > 1);
  await kill(child);
  const git = readFileSync(join(programs, "pid"), "utf8").trim();
  await until(() => !existsSync(`/proc/${git}`));
  assert.equal(active(clone).length, 1);
  assertSwept(clone);
});

test("an output of files that was half written leaves nothing in the temp folder", { skip }, async () => {
  using clone = openClone();
  const temporary = mkdtempSync(join(tmpdir(), "lighter-orphans-"));
  try {
    writeFileSync(join(clone.folder, "large"), Buffer.alloc(8 << 20, 1));
    writeFileSync(join(clone.folder, "Dockerfile"), "FROM scratch\nCOPY large /\n");
    // Nobody reads it: the writer stands still with its view of the tree mounted.
    const child = start(clone, ["build", "-o", "type=tar,dest=-", "."], { TMPDIR: temporary });
    const hasView = (): boolean => active(clone).some((path) => existsSync(join(path, "work/root")));
    await until(hasView);
    await kill(child);
    assert.deepEqual(readdirSync(temporary), []);
    assertSwept(clone);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
});

test("a cache mount that was half imported; one that is being imported stays", { skip }, async () => {
  using clone = openClone();
  const mounts = join(clone.root, "build/mounts");
  const directories = (): readonly string[] =>
    existsSync(mounts) ? readdirSync(mounts).filter((name) => /^[0-9a-f]{32}\.[0-9a-f]{8}$/.test(name)) : [];
  const importing = start(clone, ["builder", "cache", "import", "deps"]);
  importing.stdin?.on("error", () => undefined);
  importing.stdin?.write(spawnSync("tar", ["-c", "-C", "/bin", "busybox"]).stdout.subarray(0, 600_000));
  await until(() => directories().some((name) => existsSync(join(mounts, name, "busybox"))));
  clone.run(["builder", "du"]);
  assert.equal(directories().length, 1, "its owner lives");
  await kill(importing);
  assert.equal(directories().length, 1);
  clone.run(["builder", "du"]);
  assert.deepEqual(
    readdirSync(mounts).filter((name) => !/\.(lock|turn)$/.test(name)),
    [],
  );
});

test("a cache mount that was half removed or half replaced; the one in use stays", { skip }, async () => {
  using clone = openClone();
  const mounts = join(clone.root, "build/mounts");
  const archive = spawnSync("tar", ["-c", "-C", "/etc", "passwd"]).stdout;
  const filled = clone.run(["builder", "cache", "import", "deps"], { input: archive });
  assert.equal(filled.status, 0, filled.stderr);
  const current = readdirSync(mounts).find((name) => name.endsWith(".current")) ?? "";
  const kept = readlinkSync(join(mounts, current));
  const base = current.slice(0, -".current".length);
  const [half, held] = [`${base}.0badcafe`, `${base}.00c0ffee`];
  for (const name of [half, held]) mkdirSync(join(mounts, name));
  symlinkSync(half, join(mounts, `${half}.link`));
  {
    using _use = createHost().locks.tryAcquire(join(mounts, `${held}.used`), "shared");
    clone.run(["builder", "du"]);
    assert.deepEqual(directoriesOf(mounts), [held, kept].sort(), "a step uses one");
  }
  const listed = clone.run(["builder", "cache", "ls"]);
  assert.match(listed.stdout, /deps/);
  assert.deepEqual(directoriesOf(mounts), [kept]);
  assert.equal(existsSync(join(mounts, `${half}.link`)), false);
  assert.equal(existsSync(join(mounts, `${held}.used`)), false);
});

function directoriesOf(mounts: string): readonly string[] {
  const entries = readdirSync(mounts, { withFileTypes: true });
  return entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort();
}

function start(
  clone: Clone,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  const child = spawn(lighter, args, {
    cwd: clone.folder,
    env: { ...process.env, LIGHTER_ROOT: clone.root, ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stderr?.resume();
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await ended;
}

/** Directories of trees that are being written. */
function active(clone: Clone): readonly string[] {
  const directory = join(clone.root, "snapshots/active");
  return existsSync(directory) ? readdirSync(directory).map((name) => join(directory, name)) : [];
}

function assertSwept(clone: Clone): void {
  copyFileSync("/bin/busybox", join(clone.folder, "busybox"));
  writeFileSync(join(clone.folder, "Dockerfile"), "FROM scratch\nCOPY busybox /b\n");
  const build = clone.run(["build", "-q", "."]);
  assert.equal(build.status, 0, build.stderr);
  assert.deepEqual(active(clone), []);
  assert.deepEqual(leftovers(clone.root), []);
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

async function until(isTrue: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 60_000; !isTrue(); await delay(5))
    assert.ok(Date.now() < deadline, "it does not come to that");
}
