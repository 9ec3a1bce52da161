// Several processes that build the same thing on one store at once, and what becomes of the others when one of them fails.
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Clone, openClone, whyNoMachine } from "../support/cli.ts";
import { leftovers } from "../support/leftovers.ts";

const skip = whyNoMachine();
const patienceMs = 60_000;
const base = "FROM scratch AS base\nCOPY busybox /bin/sh\n";

let clone: Clone;
before(() => {
  clone = openClone();
});
after(() => clone[Symbol.dispose]());

/** A context whose steps share the directory /c, in which each notes that it ran. */
function context(name: string, dockerfile: string): string {
  const path = join(clone.folder, name);
  mkdirSync(path, { recursive: true });
  copyFileSync("/bin/busybox", join(path, "busybox"));
  writeFileSync(join(path, "Dockerfile"), dockerfile);
  return path;
}

function run(id: string, script: string): string {
  return `RUN --mount=type=cache,id=${id},target=/c ${script}\n`;
}

/** What the steps wrote into a file of the cache `id`. */
function noted(id: string, file: string): string {
  const mounts = join(clone.root, "build/mounts");
  if (!existsSync(mounts)) return "";
  const base = readdirSync(mounts).find(
    (name) => name.endsWith(".json") && readFileSync(join(mounts, name), "utf8").includes(`"/${id}"`),
  );
  const path = join(mounts, (base ?? "").replace(/json$/, "current"), file);
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

interface Build {
  readonly child: ChildProcess;
  readonly ended: Promise<{ readonly status: number | null; readonly output: string }>;
  /** Resolves when the step called so is at work, or waits for the process that is. */
  started(step: string): Promise<void>;
}

function start(path: string, ...flags: readonly string[]): Build {
  const child = clone.start(["build", "--progress", "rawjson", ...flags, path]);
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk) => {
      output += String(chunk);
    });
  const ended = new Promise<{ status: number | null; output: string }>((resolve) =>
    child.once("close", (status) => resolve({ status, output })),
  );
  const isStarted = (step: string): boolean =>
    output.split("\n").some((line) => line.includes(step) && line.includes('"started"'));
  return {
    child,
    ended,
    started: (step) =>
      until(
        () => isStarted(step),
        () => output,
      ),
  };
}

async function until(condition: () => boolean, tell: () => string): Promise<void> {
  const deadline = Date.now() + patienceMs;
  while (!condition()) {
    assert.ok(Date.now() < deadline, `it has not come to that:\n${tell()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe("processes that build the same thing at once", { skip }, () => {
  test("run a step once", async () => {
    const path = context("once", base + run("once", "echo ran >> /c/log; sleep 0.2; echo made > /made"));
    const builds = Array.from({ length: 4 }, () => start(path));
    for (const { ended } of builds) {
      const { status, output } = await ended;
      assert.equal(status, 0, output);
    }
    assert.equal(noted("once", "log"), "ran\n");
    assert.deepEqual(leftovers(clone.root), []);
  });

  test("run it again when it failed in one of them, and no oftener", async () => {
    const script = 'echo ran >> /c/log; sleep 0.2; test "$(wc -l < /c/log)" -gt 1';
    const path = context(
      "fails",
      `${base}COPY busybox /bin/wc\nCOPY busybox /bin/sleep\n${run("fails", script)}`,
    );
    const builds = Array.from({ length: 3 }, () => start(path));
    const ends = await Promise.all(builds.map(({ ended }) => ended));
    const told = ends.map(({ output }) => output).join("\n");
    assert.deepEqual(ends.map(({ status }) => status).sort(), [0, 0, 1], told);
    assert.equal(noted("fails", "log"), "ran\nran\n");
    assert.deepEqual(leftovers(clone.root), []);
  });

  test("wait for each other's steps and caches in any order, with one step at a time each", {
    timeout: 120_000,
  }, async () => {
    const mounts = ["left", "right"].map((id) => `--mount=type=cache,id=${id},target=/${id},sharing=locked`);
    const stage = (name: string, held: readonly string[]): string =>
      `FROM base AS ${name}\nRUN ${held.join(" ")} --mount=type=cache,id=cross,target=/c echo ${name} >> /c/log; sleep 0.2; echo ${name} > /${name}\n`;
    const stages = [stage("one", mounts), stage("two", mounts.toReversed())];
    const tools = `${base}COPY busybox /bin/sleep\n`;
    const end = "FROM base\nCOPY --from=one /one /\nCOPY --from=two /two /\n";
    const paths = [stages, stages.toReversed()].map((order, at) =>
      context(`cross-${at}`, `${tools}${order.join("")}${at === 0 ? end : end.replace("/one", "/./one")}`),
    );
    const builds = [...paths, ...paths].map((path) => start(path, "--jobs", "1"));
    try {
      for (const { ended } of builds) {
        const { status, output } = await ended;
        assert.equal(status, 0, output);
      }
    } finally {
      for (const { child } of builds) child.kill("SIGKILL");
    }
    assert.deepEqual(noted("cross", "log").trim().split("\n").sort(), ["one", "two"]);
    assert.deepEqual(leftovers(clone.root), []);
  });

  for (const signal of ["SIGINT", "SIGKILL"] as const)
    test(`go on with a step whose process gets ${signal}`, async () => {
      const id = `taken-${signal}`;
      // Who comes first stays for ever. The id of a cache is no part of a step's key, the script is.
      const script =
        'echo ran >> /c/log; test "$(wc -l < /c/log)" -gt 1 || sleep 1000; echo made > /made; : ' + signal;
      const path = context(id, `${base}COPY busybox /bin/wc\nCOPY busybox /bin/sleep\n${run(id, script)}`);
      const first = start(path);
      try {
        await until(
          () => noted(id, "log") !== "",
          () => "the step has not begun",
        );
        const second = start(path);
        await second.started(`id=${id}`);
        first.child.kill(signal);
        const { status, output } = await second.ended;
        assert.equal(status, 0, output);
        assert.equal((await first.ended).status, signal === "SIGINT" ? 130 : null);
        assert.equal(noted(id, "log"), "ran\nran\n");
        assert.deepEqual(leftovers(clone.root), []);
      } finally {
        first.child.kill("SIGKILL");
      }
    });
});

describe("a step that fails", { skip }, () => {
  const tools = ["sleep", "touch", "test"].map((name) => `COPY busybox /bin/${name}\n`).join("");
  /** Stage `bad` fails as soon as stage `slow` is at work; both have made something before. */
  const stages = `${base}${tools}FROM base AS bad
RUN echo bad > /begun
${run("stages", "while ! test -e /c/slow; do sleep 0.05; done; exit 7")}FROM base AS slow
RUN echo slow > /begun
${run("stages", "touch /c/slow; sleep 1000")}`;

  const both = "FROM base\nCOPY --from=bad /begun /bad\nCOPY --from=slow /begun /slow\n";

  test("ends what is at work beside it; what was finished is not done again", async () => {
    const path = context("stages", stages + both);
    const failed = await start(path, "--jobs", "4").ended;
    assert.equal(failed.status, 1, failed.output);
    assert.match(failed.output, /did not complete successfully: exit code: 7/);
    assert.deepEqual(leftovers(clone.root), []);
    writeFileSync(
      join(path, "Dockerfile"),
      (stages + both).replace("; exit 7", "").replace("; sleep 1000", ""),
    );
    const { status, stderr } = clone.run(["build", "--progress", "plain", path]);
    assert.equal(status, 0, stderr);
    for (const step of ["echo bad > /begun", "echo slow > /begun"])
      assert.match(stderr, new RegExp(`#(\\d+) \\[.*RUN ${step}\\n#\\1 CACHED`));
  });

  test("leaves the other platform of the same build no result either", async () => {
    const path = context("platforms", `${base}ARG TARGETARCH\n${run("arch", "test $TARGETARCH = amd64")}`);
    const output = join(clone.folder, "out.tar");
    const { status } = await start(
      path,
      "--platform",
      "linux/amd64,linux/386",
      "--output",
      `type=oci,dest=${output}`,
    ).ended;
    assert.equal(status, 1);
    assert.equal(existsSync(output), false);
  });
});
