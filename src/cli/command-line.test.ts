import assert from "node:assert/strict";
import { test } from "node:test";
import { LighterError } from "#base";
import { cancelledBy } from "./cancellation.ts";
import { runCommandLine } from "./command-line.ts";
import { commandLoaders, loadCommands } from "./commands.ts";
import type { CliEngine } from "./engine-port.ts";
import { fakeEngine, fakeIo } from "./testing.ts";

interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function lighter(
  line: string,
  engine: CliEngine = fakeEngine(),
  signal: AbortSignal = new AbortController().signal,
): Promise<Outcome & { readonly root: string | undefined }> {
  const io = fakeIo();
  let root: string | undefined;
  const status = await runCommandLine(line === "" ? [] : line.split(" "), {
    io,
    signal,
    onSignals: () => {},
    openEngine: (options) => {
      root = options.root;
      return Promise.resolve(engine);
    },
  });
  return { status, root, ...io.written };
}

test("lighter alone, help and --help show the same overview", async () => {
  const alone = await lighter("");
  assert.equal(alone.status, 0);
  assert.equal(alone.stdout, "", "what nobody asked for is no output");
  const stdout = alone.stderr;
  assert.match(stdout, /^Usage: {2}lighter \[OPTIONS\] COMMAND\n/);
  for (const line of ["help", "--help", "-h"]) assert.equal((await lighter(line)).stdout, stdout, line);
  for (const name of Object.keys(commandLoaders).filter((one) => !one.includes(" ")))
    assert.match(stdout, new RegExp(`^ {2}${name} `, "m"));
});

test("every command has a page with an example that parses", async () => {
  for (const command of await loadCommands()) {
    const page = await lighter(`${command.name} --help`);
    assert.equal(page.status, 0, command.name);
    assert.match(page.stdout, new RegExp(`^Usage: {2}lighter ${command.name}`));
    assert.equal((await lighter(`help ${command.name}`)).stdout, page.stdout);
    assert.ok(command.examples.length > 0, `${command.name} has no example`);
    for (const [name, flag] of Object.entries(command.flags))
      assert.match(flag.summary, /^[A-Z].*[^.]$/, `${command.name} --${name}: a phrase with no final stop`);
  }
});

test("names, aliases and groups", async () => {
  const rows: readonly (readonly [string, number, RegExp])[] = [
    ["image --help", 0, /Usage: {2}lighter image COMMAND/],
    ["help image", 0, /Usage: {2}lighter image COMMAND/],
    ["help image ls", 0, /Usage: {2}lighter image ls/],
    ["image list --help", 0, /Usage: {2}lighter image ls/],
    ["container run --help", 0, /Usage: {2}lighter run/],
    ["--version", 0, /^lighter /],
    ["-v", 0, /^lighter /],
    ["imags", 1, /unknown command: lighter imags; did you mean "lighter images"\?\n\nRun 'lighter --help'/],
    ["image lst", 1, /unknown command: lighter image lst; did you mean "lighter image ls"\?/],
    ["toString", 1, /unknown command: lighter toString\n/],
    ["compose up -d", 1, /cannot do "compose": lighter reads no Compose files; make a network .*\n/],
    ["help nothing", 1, /unknown command: lighter nothing\n/],
    ["--rot /x images", 125, /unknown flag: --rot; did you mean --root\?/],
    ["--root", 125, /flag needs an argument: --root/],
    ["rmi", 1, /'lighter rmi' requires at least 1 argument\n\nUsage: {2}lighter rmi \[OPTIONS\] IMAGE/],
  ];
  assert.match((await lighter("image")).stderr, /^Usage: {2}lighter image COMMAND/);
  for (const [line, status, text] of rows) {
    const outcome = await lighter(line);
    assert.equal(outcome.status, status, line);
    assert.match(status === 0 ? outcome.stdout : outcome.stderr, text, line);
  }
});

test("--root is taken before and after the command", async () => {
  const engine = fakeEngine({ images: { list: () => [] } });
  for (const line of ["--root /x images", "--root=/x images", "images --root /x", "images --root=/x"])
    assert.equal((await lighter(line, engine)).root, "/x", line);
});

test("failures: one sentence, the frame, docker's status", async () => {
  const failing = (error: unknown) =>
    fakeEngine({ run: () => Promise.reject(error), build: () => Promise.reject(error) });
  const framed = new LighterError("DOCKERFILE_INVALID", "Dockerfile:3: unknown instruction FORM", {
    details: { frame: "   3 | FORM x\n     | ^^^^\n" },
  });
  assert.deepEqual(await lighter("build --progress quiet .", failing(framed)), {
    status: 1,
    stdout: "",
    stderr: "lighter: Dockerfile:3: unknown instruction FORM\n   3 | FORM x\n     | ^^^^\n",
    root: undefined,
  });
  const rows: readonly (readonly [string, unknown, number, RegExp])[] = [
    [
      "run --pull never x",
      new LighterError("IMAGE_NOT_FOUND", "cannot find"),
      125,
      /^lighter: cannot find\n$/,
    ],
    [
      "run --pull never x",
      new LighterError("COMMAND_NOT_FOUND", "cannot run"),
      127,
      /^lighter: cannot run\n$/,
    ],
    ["build -q .", new LighterError("CANCELLED", "cancelled"), 130, /^lighter: cancelled\n$/],
    [
      "build -q .",
      Object.assign(new Error("x"), { code: "ENOSPC", path: "/s" }),
      1,
      /cannot write "\/s": no space left/,
    ],
    [
      "build -q .",
      Object.assign(new Error("x"), { code: "ENOTDIR", path: "/s/run" }),
      1,
      /^lighter: cannot use "\/s\/run": a part of this path is a file where a directory belongs; .*\n$/,
    ],
    [
      "build -q .",
      Object.assign(new Error("x"), { code: "EEXIST", syscall: "mkdir", path: "/s/run" }),
      1,
      /^lighter: cannot use "\/s\/run": a part of this path is a file/,
    ],
    [
      "build -q .",
      Object.assign(new Error("x"), { code: "EISDIR" }),
      1,
      /^lighter: cannot use a file of the store: a directory stands where a file belongs/,
    ],
    [
      "build -q .",
      new TypeError("x is not a function"),
      1,
      /unexpected failure: x is not a function\nThis is a defect/,
    ],
    [
      "build -q --debug .",
      new LighterError("RUN_FAILED", "no", { cause: new Error("deep") }),
      1,
      /caused by: Error: deep/,
    ],
  ];
  for (const [line, error, status, text] of rows) {
    const outcome = await lighter(line, failing(error));
    assert.equal(outcome.status, status, line);
    assert.match(outcome.stderr, text, line);
  }
});

test("a signal ends a command with docker's status", async () => {
  for (const [name, status] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const) {
    const controller = new AbortController();
    const engine = fakeEngine({
      build: ({ signal }) => {
        controller.abort(cancelledBy(name));
        signal?.throwIfAborted();
        throw new Error("not aborted");
      },
    });
    assert.equal((await lighter("build -q .", engine, controller.signal)).status, status);
  }
});

test("docker's statuses where they differ from the rule", async () => {
  const missing = new LighterError("COMMAND_NOT_FOUND", "cannot run");
  const nowhere = new LighterError("CONTAINER_INVALID", "no absolute path", { details: { exit: 128 } });
  const exec = (error: unknown) => fakeEngine({ containers: { exec: () => Promise.reject(error) } });
  const rows: readonly (readonly [string, CliEngine, number, RegExp])[] = [
    ["exec web sh", exec(missing), 127, /cannot run/],
    ["exec -d web sh", exec(missing), 1, /cannot run/],
    ["exec -w rel web sh", exec(nowhere), 128, /no absolute path/],
    ["exec -d -w rel web sh", exec(nowhere), 1, /no absolute path/],
    ["ps --format {{.Foo}}", fakeEngine({ containers: { list: () => Promise.resolve([]) } }), 1, /Foo/],
    ["ps --format {{.Names}}", fakeEngine({ containers: { list: () => Promise.resolve([]) } }), 0, /^$/],
    ["update -m foo web", fakeEngine({}), 125, /cannot read size "foo"/],
    ["update --cpus foo web", fakeEngine({}), 125, /want a number such as 1.5/],
    ["run -d -a stdout x", fakeEngine({}), 1, /conflicting options/],
    ["run --volume-driver other x", fakeEngine({}), 125, /want local/],
    ["build --progress foo .", fakeEngine({}), 1, /for "--progress" flag: want auto, none, plain/],
    ["build --progress tty .", fakeEngine({}), 1, /standard error is none/],
    ["build --call foo .", fakeEngine({}), 1, /for "--call" flag: want one of build, check/],
    ["build --shm-size foo .", fakeEngine({}), 125, /cannot read size "foo"/],
    ["build -q --progress plain .", fakeEngine({}), 1, /progress=plain and quiet cannot be used together/],
    ["cp file web:", fakeEngine({}), 1, /the path in container "web" is empty/],
    ["cp web: .", fakeEngine({}), 1, /the path in container "web" is empty/],
  ];
  for (const [line, engine, status, text] of rows) {
    const outcome = await lighter(line, engine);
    assert.equal(outcome.status, status, `${line}: ${outcome.stderr}`);
    assert.match(outcome.stderr, text, line);
  }
});
