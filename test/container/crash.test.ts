import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { missing, Stage } from "./stage.ts";

const [, self = "", role, root = ""] = process.argv;
const mark = "54321";

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

  test("after kill -9 at any moment a sweep leaves nothing, and the name and port are free", {
    skip,
  }, async () => {
    using stage = new Stage();
    await stage.run({ args: ["true"] });
    const before = stage.leftovers();
    for (let waitMs = 0; waitMs <= 150; waitMs += 10) {
      await killOwner(stage, waitMs, "remove");
      await stage.containers.sweep();
      await until(() => JSON.stringify(stage.leftovers()) === JSON.stringify(before)).catch(() => {});
      assert.deepEqual(stage.leftovers(), before, `killed after ${waitMs} ms`);
      assert.deepEqual(processesOf(mark), [], `killed after ${waitMs} ms`);
    }
    const { status } = await stage.run({ args: ["true"], name: "victim", network: "bridge" });
    assert.equal(status, 0);
  });

  test("a container that was kept says how it ended", { skip }, async () => {
    using stage = new Stage();
    await killOwner(stage, "started", "keep");
    await stage.containers.sweep();
    const { state } = stage.containers.get("victim");
    assert.deepEqual(
      { ...state, startedAt: "", finishedAt: "" },
      {
        status: "exited",
        exitCode: 137,
        startedAt: "",
        finishedAt: "",
        error: "the command that ran it was killed",
      },
    );
    assert.deepEqual(processesOf(mark), []);
    await stage.containers.remove("victim");
    await settled();
  });

  test("a sweep leaves the living alone", { skip }, async () => {
    using stage = new Stage();
    const owner = startOwner(stage, "remove");
    try {
      await until(() => processesOf(mark).length === 1);
      await new Stage(stage.root).containers.sweep();
      await delay(50);
      assert.equal(processesOf(mark).length, 1);
    } finally {
      await owner.kill();
    }
    await stage.containers.sweep();
    assert.deepEqual(processesOf(mark), []);
    await settled();
  });
}

/** The runtime of a killed owner ends a moment after its container and makes its state directory once more. */
async function settled(): Promise<void> {
  await delay(300);
}

async function killOwner(stage: Stage, when: number | "started", keep: "keep" | "remove"): Promise<void> {
  const owner = startOwner(stage, keep);
  await owner.says(when === "started" ? "started" : "starting");
  if (when !== "started") await delay(when);
  await owner.kill();
}

function startOwner(stage: Stage, keep: "keep" | "remove") {
  const child = spawn(process.execPath, [self, "owner", stage.root, keep], {
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

async function until(isTrue: () => boolean): Promise<void> {
  for (let tries = 0; !isTrue(); tries += 1) {
    assert.ok(tries < 100, "it does not come");
    await delay(10);
  }
}
