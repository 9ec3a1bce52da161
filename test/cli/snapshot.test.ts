import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

const launcher = `launcher/prebuilt/lighter-launcher-${process.arch}`;
const skip = existsSync(launcher) ? false : `there is no launcher for ${process.arch}`;
const quick = ["ps", "--help"];

/** A lighter of its own, without compiled code and snapshot. */
class Copy implements Disposable {
  readonly home = realpathSync(mkdtempSync(join(tmpdir(), "lighter-snapshot-")));
  readonly program = join(this.home, "bin/lighter");
  readonly cli = join(this.home, "dist/cli");

  constructor() {
    mkdirSync(join(this.home, "bin"));
    copyFileSync("bin/lighter", this.program);
    const isOwn = (path: string): boolean => !/\.pack|\/snapshot\.(?!js)|\/launch$/.test(path);
    cpSync("dist/cli", this.cli, { recursive: true, filter: isOwn });
    cpSync("launcher", join(this.home, "launcher"), { recursive: true });
  }

  /** What is left of it when no maker is at work. */
  parts(): readonly string[] {
    return readdirSync(this.cli).filter((name) => /^snapshot\.(?!js$)/.test(name));
  }

  async snapshot(): Promise<string> {
    for (let run = 0; run < 2; run += 1) succeed(this.program);
    await until(
      () => existsSync(join(this.cli, "snapshot.index")) && !this.parts().includes("snapshot.lock"),
    );
    const blob = this.parts().find((name) => name.endsWith(".blob"));
    assert.ok(blob, this.parts().join(" "));
    return join(this.cli, blob);
  }

  [Symbol.dispose](): void {
    rmSync(this.home, { recursive: true, force: true, maxRetries: 5 });
  }
}

// The test runner's own variables would keep lighter from snapshots.
function environment(more: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(?:NODE_|GLIBC_TUNABLES$)/.test(name));
  const path = `${dirname(process.execPath)}:${process.env["PATH"]}`;
  return { ...Object.fromEntries(kept), PATH: path, ...more };
}

function start(
  program: string,
  more: Readonly<Record<string, string>> = {},
): { status: number | null; text: string } {
  const { status, stdout, stderr } = spawnSync(program, quick, { env: environment(more), encoding: "utf8" });
  return { status, text: stdout + stderr };
}

function succeed(program: string, more: Readonly<Record<string, string>> = {}): void {
  const { status, text } = start(program, more);
  assert.equal(status, 0, text);
  assert.match(text, /^\n?Usage: {2}lighter ps/);
}

async function until(isSo: () => boolean): Promise<void> {
  for (let waitedMs = 0; !isSo(); waitedMs += 50) {
    assert.ok(waitedMs < 120_000, "waited for two minutes");
    await pause(50);
  }
}

test("a quick command is started from a snapshot, but from no other than the one made for all that it depends on", {
  skip,
}, async () => {
  using copy = new Copy();
  const blob = await copy.snapshot();
  succeed(copy.program);
  // As if another were being made, for as long as this takes.
  writeFileSync(join(copy.cli, "snapshot.lock"), "");
  const later = Date.now() / 1000 + 3600;
  utimesSync(join(copy.cli, "snapshot.lock"), later, later);
  const [whole, index] = [readFileSync(blob), readFileSync(join(copy.cli, "snapshot.index"))];

  // Of the right length, but not a snapshot: now only what is not started from it succeeds.
  writeFileSync(blob, Buffer.alloc(whole.length));
  assert.notEqual(start(copy.program).status, 0);
  succeed(copy.program, { NODE_OPTIONS: "--max-old-space-size=256" });
  succeed(copy.program, { GLIBC_TUNABLES: "glibc.malloc.tcache_count=0" });

  const other = join(copy.home, "other");
  mkdirSync(other);
  writeFileSync(join(other, "node"), `#!/bin/sh\nexec ${process.execPath} "$@"\n`);
  chmodSync(join(other, "node"), 0o755);
  succeed(copy.program, { PATH: `${other}:${process.env["PATH"]}` });

  const { status } = spawnSync(copy.program, ["version"], { env: environment({}) });
  assert.equal(status, 0, "not a quick command");

  for (const broken of [
    index.subarray(0, -1),
    index.subarray(0, 20),
    Buffer.alloc(0),
    Buffer.alloc(100, "x\n"),
  ]) {
    writeFileSync(join(copy.cli, "snapshot.index"), broken);
    succeed(copy.program);
  }
  writeFileSync(join(copy.cli, "snapshot.index"), index);
  writeFileSync(blob, whole.subarray(0, whole.length / 2));
  succeed(copy.program);
  rmSync(blob);
  succeed(copy.program);

  writeFileSync(blob, Buffer.alloc(whole.length));
  assert.notEqual(start(copy.program).status, 0);
  utimesSync(join(copy.cli, "cli.js"), 0, 0);
  succeed(copy.program);
});

test("it finds itself behind links, and tells programs nothing of how it was started", { skip }, async () => {
  using copy = new Copy();
  await copy.snapshot();
  const link = join(copy.home, "a link");
  symlinkSync("bin/lighter", link);
  succeed(link);
  rmSync(copy.program);
  copyFileSync("bin/lighter", copy.program);
  succeed(link, { NODE_EXTRA_CA_CERTS: "/nowhere" });
});

test("of many first commands one makes the snapshot, and none waits for it", { skip }, async () => {
  using copy = new Copy();
  succeed(copy.program);
  const all = Array.from({ length: 6 }, async () => {
    const child = spawn(copy.program, quick, { env: environment({}), stdio: "ignore" });
    const [status] = await once(child, "exit");
    assert.equal(status, 0);
  });
  await Promise.all(all);
  await until(() => copy.parts().includes("snapshot.index") && !copy.parts().includes("snapshot.lock"));
  assert.equal(copy.parts().length, 2, copy.parts().join(" "));
  assert.equal(statSync(join(copy.cli, "launch")).mode & 0o777, 0o755);
  succeed(copy.program);
});

test("where there is no launcher for the machine everything is as without", { skip }, () => {
  using copy = new Copy();
  rmSync(join(copy.home, "launcher"), { recursive: true });
  for (let run = 0; run < 3; run += 1) succeed(copy.program);
  assert.deepEqual(copy.parts(), []);
});
