// Every process that opens the store sweeps what dead ones left: what live ones are removing meanwhile is none of its business.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createHost } from "#host";
import { openSnapshotter } from "#snapshot";

// This file is also the other process: `node sweep.test.mjs --child ROOT`.
const childRoot = process.argv[process.argv.indexOf("--child") + 1];
if (process.argv.includes("--child") && childRoot !== undefined) sweepUntilTold(childRoot);
else registerTests();

function sweepUntilTold(root: string): void {
  const stop = join(root, "stop");
  const host = createHost();
  const { ppid } = process;
  process.stdout.write("ready\n");
  // A test that was killed tells nothing any more.
  while (!existsSync(stop) && process.ppid === ppid) openSnapshotter(root, host);
}

function registerTests(): void {
  test("snapshots are dropped while other processes sweep", { timeout: 600_000 }, async () => {
    const root = mkdtempSync(join(tmpdir(), "lighter-sweep-"));
    const children: ChildProcess[] = [];
    try {
      const snapshots = openSnapshotter(root, createHost());
      for (let count = 0; count < 2; count += 1) children.push(await startSweeping(root));
      for (let round = 0; round < 600; round += 1) {
        await using active = snapshots.prepare(undefined);
        writeFileSync(join(active.upper, "file"), "kept until it is dropped");
      }
      writeFileSync(join(root, "stop"), "");
      for (const child of children) assert.equal(await ended(child), 0);
      openSnapshotter(root, createHost());
      assert.deepEqual(readdirSync(join(root, "snapshots/active")), []);
    } finally {
      for (const child of children) child.kill("SIGKILL");
      rmSync(root, { recursive: true, force: true, maxRetries: 50 });
    }
  });
}

async function startSweeping(root: string): Promise<ChildProcess> {
  const file = process.argv[1] ?? "";
  const child = spawn(process.execPath, [...process.execArgv, file, "--child", root], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (child.stdout === null) throw new Error("the child has no output");
  await once(child.stdout, "data");
  return child;
}

async function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return child.exitCode;
}
