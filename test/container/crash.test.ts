import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { RunRequest } from "#container";
import { imageOf, missing, Stage } from "./stage.ts";

const [, self = "", role, root = "", , givenMark] = process.argv;
/** Nobody else's program sleeps exactly so long: another run of this suite may be under way. */
const mark = givenMark ?? String(100_000_000 + process.pid);

if (role === "owner") await runUntilKilled(new Stage(root));
else defineTests();

/** The command that dies. */
async function runUntilKilled(stage: Stage): Promise<void> {
  console.log("starting");
  const ports = [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }] as const;
  const remove = process.argv[4] === "remove";
  await stage.run({
    args: ["sh", "-c", `echo started; exec sleep ${mark}`],
    name: "victim",
    network: "bridge",
    ports,
    remove,
    stdio: "inherit",
  });
}

function defineTests(): void {
  const skip = missing() ?? false;

  test("kill -9 of the command at any moment: the container runs on whole, or nothing is left", {
    skip,
  }, async () => {
    using stage = new Stage();
    await stage.run({ args: ["true"] });
    const before = stage.leftovers();
    const ends = new Set<string>();
    const moments = Array.from({ length: 16 }, (_, at) => at * 10);
    for (const moment of [...moments, "runs"] as const) {
      await killOwner(stage, moment, "remove");
      await until(() => isDecided(stage));
      const isRunning = stage.containers.list().length > 0;
      ends.add(isRunning ? "runs" : "nothing");
      if (isRunning) {
        assert.equal(processesOf(mark).length, 1, `killed after ${moment}`);
        await stage.containers.remove("victim", { force: true });
      }
      await stage.containers.sweep();
      assert.deepEqual(stage.leftovers(), before, `killed after ${moment}`);
      assert.deepEqual(processesOf(mark), [], `killed after ${moment}`);
    }
    assert.ok(ends.has("runs"), "it was killed after the hand-over, too");
    const { status } = await stage.run({ args: ["true"], name: "victim", network: "bridge" });
    assert.equal(status, 0);
  });

  test("kill -9 of the monitor: the next command ends the container and says so", { skip }, async () => {
    using stage = new Stage();
    await stage.containers.runDetached(request(stage, false));
    const { state } = stage.containers.get("victim");
    process.kill(state.monitorPid, "SIGKILL");
    await until(() => isDead(state.monitorPid));
    await stage.containers.sweep();
    assert.deepEqual(processesOf(mark), []);
    const { status, exitCode, error } = stage.containers.get("victim").state;
    assert.deepEqual(
      { status, exitCode, error },
      { status: "exited", exitCode: 137, error: "its monitor was killed, or the host went down" },
    );
    await stage.containers.start("victim");
    await until(() => processesOf(mark).length === 1);
    await stage.containers.remove("victim", { force: true });
    await stage.containers.sweep();
    assert.deepEqual(stage.leftovers(), {
      ...stage.leftovers(),
      mounts: [],
      links: ["lo"],
      run: [],
      upper: [],
    });
  });

  test("a container that was to be removed goes with its killed monitor", { skip }, async () => {
    using stage = new Stage();
    await stage.containers.runDetached(request(stage, true));
    process.kill(stage.containers.get("victim").state.monitorPid, "SIGKILL");
    await until(async () => {
      await stage.containers.sweep();
      return stage.containers.list().length === 0;
    });
    assert.deepEqual(processesOf(mark), []);
  });

  test("a sweep leaves the living alone", { skip }, async () => {
    using stage = new Stage();
    await stage.containers.runDetached(request(stage, true));
    await until(() => processesOf(mark).length === 1);
    await new Stage(stage.root).containers.sweep();
    await delay(50);
    assert.equal(processesOf(mark).length, 1);
    await stage.containers.remove("victim", { force: true });
    await stage.containers.sweep();
    assert.deepEqual(processesOf(mark), []);
  });
}

function request(_stage: Stage, remove: boolean): RunRequest {
  return {
    image: imageOf({}),
    imageName: "busybox",
    args: ["sleep", mark],
    name: "victim",
    network: "bridge",
    remove,
  };
}

/** Its descriptors are closed, and its locks free, before it is a zombie. */
function isDead(pid: number): boolean {
  const path = `/proc/${pid}/stat`;
  return !existsSync(path) || / Z /.test(readFileSync(path, "latin1"));
}

/** Whether the container that the dead command began runs, or will never run. */
async function isDecided(stage: Stage): Promise<boolean> {
  await stage.containers.sweep();
  const [record] = stage.containers.list();
  return record === undefined || (record.state.status === "running" && processesOf(mark).length === 1);
}

/** So many milliseconds after it began, or when the container's program runs. */
async function killOwner(stage: Stage, moment: number | "runs", keep: "keep" | "remove"): Promise<void> {
  const owner = startOwner(stage, keep);
  await owner.says("starting");
  if (moment === "runs") await until(() => processesOf(mark).length === 1);
  else await delay(moment);
  await owner.kill();
}

function startOwner(stage: Stage, keep: "keep" | "remove") {
  const child = spawn(process.execPath, [self, "owner", stage.root, keep, mark], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  let heard = "";
  child.stdout.on("data", (chunk) => {
    heard += String(chunk);
  });
  return {
    says: async (word: string) => {
      while (!heard.includes(word))
        await Promise.race([once(child.stdout, "data"), exited.then(() => assert.fail(`died: ${heard}`))]);
    },
    kill: async () => {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

function processesOf(argument: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")[1] === argument;
    } catch {
      return false;
    }
  });
}

async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 60_000; !(await isTrue()); await delay(10))
    assert.ok(Date.now() < deadline, "it does not come");
}
