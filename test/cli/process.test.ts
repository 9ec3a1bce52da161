// What only a real process shows: signals, pipes that close, descriptors, the environment.
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Clone, openClone, whyNoMachine } from "../support/cli.ts";
import { leftovers } from "../support/leftovers.ts";

const skip = whyNoMachine();

function makeContext(clone: Clone, dockerfile: string): string {
  const context = join(clone.folder, "context");
  mkdirSync(context, { recursive: true });
  copyFileSync(existsSync("/bin/busybox") ? "/bin/busybox" : "/usr/bin/busybox", join(context, "busybox"));
  writeFileSync(join(context, "Dockerfile"), dockerfile);
  return context;
}

const base = `FROM scratch
COPY busybox /bin/busybox
COPY busybox /bin/sh
`;

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** What becomes of a command. */
function following(child: ChildProcess): {
  readonly end: Promise<Ended>;
  /** Resolves when its output has the words, and when it has ended without them. */
  hasSaid(words: string): Promise<void>;
} {
  let output = "";
  let look = (): void => {};
  const hear = (chunk: unknown): void => {
    output += String(chunk);
    look();
  };
  child.stdout?.on("data", hear);
  child.stderr?.on("data", hear);
  const end = new Promise<Ended>((resolve) => child.once("close", (code) => resolve({ code, output })));
  return {
    end,
    hasSaid: (words) =>
      new Promise((resolve) => {
        look = () => void (output.includes(words) && resolve());
        look();
        void end.then(() => resolve());
      }),
  };
}

/** Starts a command, waits until it has printed `word`, and sends the signal. */
async function interrupted(
  clone: Clone,
  args: readonly string[],
  word: string,
  signal: NodeJS.Signals,
): Promise<Ended> {
  const child = clone.start(args);
  const { end, hasSaid } = following(child);
  await hasSaid(word);
  child.kill(signal);
  return await end;
}

test("Ctrl-C and SIGTERM end a build cleanly, and the next build works", { skip }, async () => {
  using clone = openClone();
  const context = makeContext(clone, `${base}RUN echo under way; /bin/busybox sleep 600\n`);
  for (const [signal, status] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const) {
    const began = Date.now();
    const { code, output } = await interrupted(
      clone,
      ["build", "-t", "slow", context],
      "under way\n",
      signal,
    );
    assert.equal(code, status, output);
    assert.ok(Date.now() - began < 300_000, "it waited for the step");
    assert.match(output, /CANCELED/);
    assert.deepEqual(leftovers(clone.root), []);
  }
  makeContext(clone, `${base}RUN echo well\n`);
  const build = clone.run(["build", "-t", "quick", context]);
  assert.equal(build.status, 0, build.stderr);
});

for (const network of ["none", "bridge"])
  test(`Ctrl-C is the program's on the network ${network}, and nothing is left of it`, { skip }, async () => {
    using clone = openClone();
    const script = "trap 'exit 7' INT; echo under way; /bin/busybox sleep 600 & wait";
    const context = makeContext(clone, `${base}CMD ["/bin/sh", "-c", "${script}"]\n`);
    assert.equal(clone.run(["build", "-q", "-t", "slow", context]).status, 0);
    const run = ["run", "--rm", "--network", network, "slow"];
    const { code } = await interrupted(clone, run, "under way\n", "SIGINT");
    assert.equal(code, 7);
    assert.deepEqual(leftovers(clone.root), []);
    assert.equal(clone.run(["ps", "-aq"]).stdout, "");
  });

test("a program that ignores Ctrl-C is ended by the third", { skip }, async () => {
  using clone = openClone();
  const context = makeContext(
    clone,
    `${base}CMD ["/bin/sh", "-c", "trap 'echo got' INT; echo under way; while :; do /bin/busybox sleep 0.05; done"]\n`,
  );
  assert.equal(clone.run(["build", "-q", "-t", "deaf", context]).status, 0);
  const child = clone.start(["run", "--rm", "--network", "none", "deaf"]);
  const { end, hasSaid } = following(child);
  // The next one when the one before has arrived: two that wait for a process are one.
  for (const words of ["under way\n", "under way\ngot\n", "under way\ngot\ngot\n"]) {
    await hasSaid(words);
    child.kill("SIGINT");
  }
  const { code, output } = await end;
  assert.equal(code, 130, output);
  assert.deepEqual(leftovers(clone.root), []);
  assert.equal(clone.run(["ps", "-aq"]).stdout, "");
});

test("run gives the program's status, streams, environment and arguments through", { skip }, () => {
  using clone = openClone();
  const context = makeContext(clone, `${base}ENV A=image\nENTRYPOINT ["/bin/sh", "-c"]\n`);
  assert.equal(clone.run(["build", "-q", "-t", "shell", context]).status, 0);
  const run = (args: readonly string[], options = {}) =>
    clone.run(["run", "--rm", "--network", "none", ...args], options);
  assert.equal(run(["shell", "exit 7"]).status, 7);
  const streams = run(["shell", "echo out; echo err >&2"]);
  assert.deepEqual([streams.stdout, streams.stderr], ["out\n", "err\n"]);
  assert.equal(
    run(["-e", "A=flag", "-e", "B", "shell", "echo $A $B"], { env: { B: "mine" } }).stdout,
    "flag mine\n",
  );
  assert.equal(run(["-i", "shell", "/bin/busybox cat"], { input: "typed" }).stdout, "typed");
  assert.equal(run(["shell", "/bin/busybox cat"], { input: "typed" }).stdout, "");
  assert.equal(run(["--entrypoint", "/bin/busybox", "shell", "echo", "hello"]).stdout, "hello\n");
  assert.equal(run(["--entrypoint", "/absent", "shell"]).status, 127);
  assert.equal(run(["--entrypoint", "/bin", "shell"]).status, 126);
});

test("removing an image leaves the build cache alone", { skip }, () => {
  using clone = openClone();
  const context = makeContext(clone, `${base}RUN echo once\n`);
  assert.equal(clone.run(["build", "-q", "-t", "again", context]).status, 0);
  assert.equal(clone.run(["rmi", "again"]).status, 0);
  const second = clone.run(["build", "-t", "again", context]);
  assert.equal(second.status, 0);
  assert.match(second.stderr, /RUN echo once\n#\d+ CACHED\n/);
});

test("images travel: save, load, tag, rmi; a reader that stops early is no failure", { skip }, () => {
  using clone = openClone();
  const context = makeContext(clone, `${base}CMD ["/bin/busybox", "echo", "travelled"]\n`);
  assert.equal(clone.run(["build", "-q", "-t", "traveller", context]).status, 0);
  assert.equal(clone.run(["tag", "traveller", "traveller:v1"]).status, 0);
  const id = clone.run(["images", "-q", "--no-trunc", "traveller:v1"]).stdout;
  for (const format of ["docker", "oci"]) {
    const archive = join(clone.folder, `${format}.tar`);
    assert.equal(clone.run(["save", "--format", format, "-o", archive, "traveller:v1"]).status, 0);
    assert.match(
      clone.run(["rmi", "-f", id.trim()]).stdout,
      /Untagged: traveller:v1\n[\s\S]*Deleted: sha256:/,
    );
    assert.equal(clone.run(["load", "-i", archive]).stdout, "Loaded image: traveller:v1\n");
    assert.equal(clone.run(["images", "-q", "--no-trunc"]).stdout, id);
    assert.equal(clone.run(["run", "--rm", "--network", "none", "traveller:v1"]).stdout, "travelled\n");
  }
  const early = spawnSync(
    "sh",
    ["-c", "bin/lighter save traveller:v1 | head -c 10 | wc -c; bin/lighter images | head -1"],
    {
      env: { ...process.env, LIGHTER_ROOT: clone.root },
      encoding: "utf8",
    },
  );
  assert.match(early.stdout, /^10\nREPOSITORY/);
  assert.equal(early.stderr, "");
});

test("a full disk behind standard output is told of standard output", { skip }, () => {
  using clone = openClone();
  for (const words of ["ps", "images", "version", "network ls"]) {
    const full = spawnSync("sh", ["-c", `bin/lighter ${words} > /dev/full`], {
      env: { ...process.env, LIGHTER_ROOT: clone.root },
      encoding: "utf8",
    });
    assert.match(
      full.stderr,
      /^lighter: cannot write to standard output: .*no space left on device.*\n$/,
      words,
    );
    assert.equal(full.status, 1, words);
  }
});
