import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { isLighterError } from "#base";
import { claimContainer, type Runtime, sweepContainers } from "#runtime";
import { type Lab, openLab, unusable } from "./machine.ts";

const waitMs = 60_000;
const hybrid = "/sys/fs/cgroup/unified";

/** Processes of the machine whose command line has the word. */
function listProcesses(word: string): readonly string[] {
  return readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && commandLine(pid).includes(word));
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1");
  } catch {
    return "";
  }
}

function listCgroups(word: string): readonly string[] {
  const roots = [
    "/sys/fs/cgroup",
    ...readdirSync("/sys/fs/cgroup").map((name) => join("/sys/fs/cgroup", name)),
  ];
  return roots
    .map((root) => join(root, "lighter"))
    .filter((path) => existsSync(path))
    .flatMap((path) => readdirSync(path).filter((name) => name.includes(word)));
}

async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + waitMs; !(await isTrue()); await delay(10))
    assert.ok(Date.now() < deadline, "waited in vain");
}

/** What this file does when it has started itself as the process that is to be killed. */
async function becomeVictim(name: Runtime["name"], place: string): Promise<void> {
  const lab = await openLab(name, place);
  const words = ["sh", "-c", "trap '' TERM; echo ready; sleep 1000; : victims-own-words"];
  process.stdout.write("starting\n");
  await lab.run(words, { onStdout: (chunk) => process.stdout.write(chunk) });
}

function defineTests(name: Runtime["name"]): void {
  let lab: Lab;
  before(async () => {
    lab = await openLab(name);
  });
  after(() => lab[Symbol.dispose]());

  /** A process that was killed takes its time to be gone, more so where the machine is busy. */
  const assertClean = async (): Promise<void> => {
    const left = (): readonly string[] => [
      ...readdirSync(lab.runDirectory).filter((entry) => !/^\.|^runtime/.test(entry)),
      ...readdirSync(join(lab.runDirectory, `.${name}`)).filter((entry) => !entry.startsWith(".")),
      ...listProcesses(lab.runDirectory).map((pid) => `process ${pid} ${commandLine(pid)}`),
      ...listCgroups(`test-${process.pid}`),
    ];
    for (const deadline = Date.now() + waitMs; left().length > 0 && Date.now() < deadline; ) await delay(10);
    assert.deepEqual(left(), []);
  };

  const stubbornness = [
    ["ends at SIGTERM", "trap 'exit 0' TERM; echo ready; while :; do sleep 0.05; done", waitMs, 0, waitMs],
    ["ignores SIGTERM", "trap '' TERM; echo ready; while :; do sleep 1; done", 100, 100, 2 * waitMs],
  ] as const;
  for (const [what, script, stopGraceMs, atLeastMs, atMostMs] of stubbornness)
    test(`a cancelled container that ${what} is gone`, async () => {
      const abort = new AbortController();
      let stopped = 0;
      const running = lab.run(["sh", "-c", script], {
        signal: abort.signal,
        stopGraceMs,
        onStdout: () => {
          stopped = performance.now();
          abort.abort();
        },
      });
      await assert.rejects(running, (error) => isLighterError(error, "CANCELLED"));
      const tookMs = performance.now() - stopped;
      assert.ok(tookMs >= atLeastMs && tookMs < atMostMs, `${tookMs} ms`);
      await assertClean();
    });

  test("cancelled at any moment of its start, nothing is left", async () => {
    for (let momentMs = 0; momentMs < 48; momentMs += 3) {
      const abort = new AbortController();
      setTimeout(() => abort.abort(), momentMs);
      await assert.rejects(
        lab.run(["sleep", "1000"], { signal: abort.signal, stopGraceMs: 0 }),
        (error) => isLighterError(error, "CANCELLED"),
        `after ${momentMs} ms`,
      );
      await assertClean();
    }
  });

  test("a signal reaches the program", async () => {
    const script = "trap 'echo got; exit 3' INT; echo ready; while :; do sleep 0.05; done";
    const outcome = lab.run(["sh", "-c", script], {
      onStdout: (chunk) => {
        if (Buffer.from(chunk).toString() === "ready\n") void lab.runtime.kill(currentId(lab), "SIGINT");
      },
    });
    assert.deepEqual(await outcome, { status: 3, stdout: "ready\ngot\n", stderr: "" });
    await assert.rejects(lab.runtime.kill("nobody", "SIGINT"), (error) =>
      isLighterError(error, "RUNTIME_FAILED"),
    );
  });

  test("twenty containers at once", async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, number) => lab.run(["sh", "-c", `echo ${number}; exit ${number}`])),
    );
    assert.deepEqual(
      outcomes.map(({ status, stdout }) => [status, stdout]),
      outcomes.map((_, number) => [number, `${number}\n`]),
    );
    await assertClean();
  });

  test("an id is claimed once while its owner lives", () => {
    using claim = claimContainer(lab.host, lab.runDirectory, "one");
    assert.ok(existsSync(claim.bundle));
    assert.throws(
      () => claimContainer(lab.host, lab.runDirectory, "one"),
      (error) => isLighterError(error, "CONTAINER_NAME_USED"),
    );
    for (const id of ["", ".", "..", "a/b", "-x", ".crun"])
      assert.throws(
        () => claimContainer(lab.host, lab.runDirectory, id),
        (error) => isLighterError(error, "CONTAINER_INVALID"),
        id,
      );
  });

  test("the sweep spares the living", async () => {
    const script = "trap 'exit 4' TERM; echo ready; while :; do sleep 0.05; done";
    let swept: Promise<readonly string[]> | undefined;
    const outcome = await lab.run(["sh", "-c", script], {
      onStdout: () => {
        swept = sweepContainers(lab.host, lab.runDirectory);
        void swept.finally(() => void lab.runtime.kill(currentId(lab), "SIGTERM"));
      },
    });
    assert.equal(outcome.status, 4);
    assert.deepEqual(await swept, []);
  });

  test("after kill -9 of its owner, the sweep kills the container and leaves nothing", async () => {
    const victim = await startVictim(name, dirname(lab.runDirectory), "ready");
    victim.kill("SIGKILL");
    await once(victim, "exit");
    assert.notDeepEqual(listProcesses(lab.runDirectory), [], "the runtime outlives its owner");
    const removed = await sweepContainers(lab.host, lab.runDirectory);
    assert.equal(removed.length, 1);
    await until(() => listProcesses(lab.runDirectory).length === 0);
    await until(() => listCgroups(removed[0] ?? "?").length === 0);
    assert.deepEqual(await sweepContainers(lab.host, lab.runDirectory), []);
    await assertClean();
  });

  test("killed at any moment of a start, the sweep leaves nothing", async () => {
    for (let momentMs = 0; momentMs <= 60; momentMs += 5) {
      const victim = await startVictim(name, dirname(lab.runDirectory), "starting");
      await delay(momentMs);
      victim.kill("SIGKILL");
      await once(victim, "exit");
      // A sweep may come while a child that was just forked still holds the lock.
      await until(async () => {
        await sweepContainers(lab.host, lab.runDirectory);
        return readdirSync(lab.runDirectory).every((entry) => !/^(test-|\.claim-)/.test(entry));
      });
      await assertClean();
      await until(() => listProcesses("victims-own-words").length === 0);
      assert.deepEqual(listCgroups(`test-${victim.pid}`), [], `after ${momentMs} ms`);
    }
  });

  test("a container that is killed has the status of a shell's word for it", async () => {
    const outcome = await lab.run(["sh", "-c", "echo ready; sleep 1000; true"], {
      onStdout: () => void lab.runtime.kill(currentId(lab), "SIGKILL"),
    });
    assert.equal(outcome.status, 137);
  });

  test("removing a container that does not exist is harmless", async () => {
    await lab.runtime.remove("nobody");
    mkdirSync(join(lab.runDirectory, "not-a-claim/full"), { recursive: true });
    const stray = join(lab.runDirectory, ".claim-99999999-1");
    mkdirSync(stray);
    assert.deepEqual(await sweepContainers(lab.host, lab.runDirectory), []);
    assert.ok(!existsSync(stray));
    assert.ok(existsSync(join(lab.runDirectory, "not-a-claim/full")));
  });
}

function currentId(lab: Lab): string {
  return readdirSync(lab.runDirectory).find((entry) => entry.startsWith("test-")) ?? "none";
}

/** Starts this file as a process that runs a container, and waits for its word. */
async function startVictim(name: string, place: string, word: string): Promise<ChildProcess> {
  const victim = spawn(process.execPath, [process.argv[1] ?? ""], {
    env: { ...process.env, LIGHTER_TEST_VICTIM: `${name} ${place}` },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  victim.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  await until(() => output.includes(word));
  return victim;
}

const victim = process.env["LIGHTER_TEST_VICTIM"]?.split(" ");
if (victim !== undefined) await becomeVictim(victim[0] === "runc" ? "runc" : "crun", victim[1] ?? "");
else {
  for (const name of ["crun", "runc"] as const)
    describe(name, { skip: unusable(name) }, () => defineTests(name));

  test("the machine keeps its own view of cgroups", {
    skip: !existsSync(hybrid) && "not a hybrid host",
  }, () => {
    const { stdout } = spawnSync("nsenter", [
      `--mount=/proc/${process.ppid}/ns/mnt`,
      "stat",
      "-f",
      "-c",
      "%T",
      hybrid,
    ]);
    assert.equal(stdout.toString().trim(), "cgroup2fs");
  });
}
