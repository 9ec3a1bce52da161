// exec without a terminal: its streams are pipes of its own, and nothing is lost on them.
import assert from "node:assert/strict";
import { type SpawnOptions, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { closeSync, openSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createHost } from "#host";
import { openBox } from "../support/box.ts";
import { type Clone, untilRuns, whyNoMachine } from "../support/cli.ts";
import { leftovers } from "../support/leftovers.ts";

const skip = whyNoMachine();
let clone: Clone;

before(() => {
  if (skip !== false) return;
  clone = openBox();
  const started = clone.run(["run", "-d", "--name", "host", "--network", "none", "box", "sleep", "10000"]);
  assert.equal(started.status, 0, started.stderr);
});
after(() => {
  if (clone === undefined) return;
  clone.run(["rm", "-f", "host", "shown"]);
  const left = leftovers(clone.root);
  clone[Symbol.dispose]();
  assert.deepEqual(left, []);
});

function exec(script: string, options: SpawnOptions, ...flags: readonly string[]) {
  return spawn("bin/lighter", ["exec", ...flags, "host", "sh", "-c", script], {
    env: { ...process.env, LIGHTER_ROOT: clone.root },
    ...options,
  });
}

async function collect(stream: NodeJS.ReadableStream | null): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream ?? []) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

test("the files of the caller stay outside, whoever the program is", { skip }, async () => {
  const path = join(clone.folder, "log");
  writeFileSync(path, "");
  const fd = openSync(path, "a+");
  const script = "for n in 0 1 2; do readlink /proc/$$/fd/$n; done; echo again > /proc/self/fd/1";
  const child = exec(script, { stdio: [fd, fd, fd] }, "-i", "-u", "1000");
  closeSync(fd);
  const [status] = await once(child, "exit");
  const text = readFileSync(path, "utf8");
  assert.equal(status, 0, text);
  assert.match(text, /^pipe:\[\d+\]\npipe:\[\d+\]\npipe:\[\d+\]\nagain\n$/);
  assert.equal(statSync(path).uid, 0, "it has not been given away");
});

test("bytes of any kind go in and out, the end of the input too", { skip }, async () => {
  const sent = randomBytes(3 << 20);
  const child = exec("cat; echo end >&2; exit 3", { stdio: "pipe" }, "-i");
  child.stdin?.end(sent);
  const [got, errors, [status]] = await Promise.all([
    collect(child.stdout),
    collect(child.stderr),
    once(child, "close"),
  ]);
  assert.equal(status, 3);
  assert.equal(errors.toString(), "end\n");
  const sum = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
  assert.equal(sum(got), sum(sent));
});

test("a reader that leaves ends the writer; an input that nobody reads does not hold up the end", {
  skip,
}, async () => {
  const child = exec("yes; echo $? >&2", { stdio: ["pipe", "pipe", "pipe"] }, "-i");
  child.stdin?.on("error", () => {});
  child.stdin?.write(randomBytes(1 << 20));
  child.stdout?.once("data", () => child.stdout?.destroy());
  const errors = await collect(child.stderr);
  assert.equal(errors.toString(), "141\n");
});

test("a child of the program that keeps its output does not hold up the end", { skip }, () => {
  const done = clone.run(["exec", "host", "sh", "-c", "sleep 10000 & echo done"]);
  assert.deepEqual({ ...done }, { status: 0, stdout: "done\n", stderr: "" });
  clone.run(["exec", "host", "sh", "-c", "kill $(pidof -o 1 sleep)"]);
});

test("a program that is not there is one sentence", { skip }, () => {
  for (const [program, status, words] of [
    ["absent", 127, "executable file not found in $PATH"],
    ["/etc", 126, "permission denied"],
  ] as const) {
    const outcome = clone.run(["exec", "host", program]);
    assert.equal(outcome.status, status, outcome.stderr);
    assert.match(outcome.stderr, /^lighter: cannot run "[^\n]*\n$/);
    assert.ok(outcome.stderr.includes(words), outcome.stderr);
  }
});

test("signals to the command reach the program", { skip }, async () => {
  const script = "trap 'echo got; exit 5' TERM; echo ready; while :; do sleep 0.05; done";
  const child = exec(script, { stdio: ["ignore", "pipe", "inherit"], detached: true });
  let output = "";
  child.stdout?.on("data", (chunk) => {
    output += chunk;
    if (output === "ready\n") process.kill(-(child.pid ?? 0), "SIGTERM");
  });
  const [status] = await once(child, "close");
  assert.deepEqual({ output, status }, { output: "ready\ngot\n", status: 5 });
});

test("a build step may open its streams again, as any program does", { skip }, () => {
  const dockerfile = "FROM box\nRUN echo said > /dev/stdout && echo wrong > /dev/stderr\n";
  const { status, stderr } = clone.run(["build", "--progress", "plain", "--no-cache", "-f-", "."], {
    input: dockerfile,
  });
  assert.equal(status, 0, stderr);
  assert.match(stderr, /^#\d+ \d+\.\d+ said$/m);
  assert.match(stderr, /^#\d+ \d+\.\d+ wrong$/m);
});

test("what is asked of exec, and its status", { skip }, () => {
  const rows: readonly (readonly [readonly string[], number, RegExp])[] = [
    [["-w", "/nope", "host", "true"], 127, /the directory that it should start in is not there/],
    [["-u", ":88", "host", "id"], 0, /^uid=0\S* gid=88/],
    [["-t", "host", "tty"], 0, /^\/dev\/pts\/\d/],
    // Scripts look for it to find out that they are in a container.
    [["host", "test", "-f", "/.dockerenv"], 0, /^$/],
    [["-it", "host", "tty"], 1, /the input device is not a TTY/],
    [["--privileged", "host", "grep", "CapEff", "/proc/self/status"], 0, new RegExp(ownCapabilities())],
    [["--privileged", "-u", "9", "host", "grep", "CapEff", "/proc/self/status"], 0, /\t0{16}/],
  ];
  for (const [words, wanted, text] of rows) {
    const { status, stdout, stderr } = clone.run(["exec", ...words]);
    assert.equal(status, wanted, `${words.join(" ")}: ${stderr}`);
    assert.match(`${stdout}${stderr}`, text, words.join(" "));
  }
});

test("top shows the container's processes alone, by the host's ps for other columns", { skip }, async () => {
  const rows = (...options: readonly string[]): string[][] => {
    const { status, stdout, stderr } = clone.run(["top", "shown", ...options]);
    assert.equal(status, 0, stderr);
    return stdout
      .trim()
      .split("\n")
      .map((line) => line.split(/\s{2,}/));
  };
  const started = clone.run(["run", "-d", "--name", "shown", "--network", "none", "box", "sleep", "10000"]);
  assert.equal(started.status, 0, started.stderr);
  await untilRuns(clone, "shown", "sleep 10000");
  const [titles, ...own] = rows();
  assert.deepEqual([titles?.length, own.length, own[0]?.at(-1)], [8, 1, "sleep 10000"]);
  if (createHost().processes.find("ps") === undefined) return;
  assert.deepEqual(rows("-eo", "pid,args"), [
    ["PID", "COMMAND"],
    [own[0]?.[1], "sleep 10000"],
  ]);
  const without = clone.run(["top", "shown", "-o", "comm"]);
  assert.equal(without.status, 1);
  assert.match(without.stderr, /it leaves the column PID out/);
});

/** What this process may give: no container has more, however privileged. */
function ownCapabilities(): string {
  return /^CapBnd:\s*(\w+)/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1] ?? "";
}
