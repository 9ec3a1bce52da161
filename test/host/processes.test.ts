import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isLighterError } from "#base";
import { createHost } from "#host";
import { temporaryDirectory } from "./machine.ts";

const { processes } = createHost();
const folder = temporaryDirectory("processes");

const results = [
  [["-c", "exit 7"], 7, undefined, ""],
  [["-c", "printf 'a\\0b'; printf err >&2"], 0, undefined, "a\0b"],
  [["-c", "kill -9 $$"], 128, "SIGKILL", ""],
  [["-c", "cat"], 0, undefined, "input"],
  [["-c", "true"], 0, undefined, ""], // does not read its input
] as const;

for (const [args, status, signal, stdout] of results)
  test(`sh ${args.join(" ")}`, async () => {
    const result = await processes.run("sh", args, { input: "input" });
    assert.deepEqual([result.status, result.signal, result.stdout.toString()], [status, signal, stdout]);
  });

test("output is binary, and as large as it is", async () => {
  const input = Buffer.alloc(5_000_000, Buffer.from([0xff, 0x00, 0x80]));
  const { stdout } = await processes.run("cat", [], { input });
  assert.ok(stdout.equals(input));
});

test("no shell looks at the arguments", async () => {
  const { stdout } = await processes.run("echo", ["$HOME", "; true", "*"]);
  assert.equal(stdout.toString(), "$HOME ; true *\n");
});

test("the environment is the given one alone", async () => {
  const { stdout } = await processes.run("env", [], { env: { A: "1" }, cwd: "/" });
  assert.equal(stdout.toString(), "A=1\n");
});

test("programs are found on the given path, then in the system's directories", () => {
  writeFileSync(join(folder, "mine"), "#!/bin/sh\n", { mode: 0o755 });
  writeFileSync(join(folder, "text"), "", { mode: 0o644 });
  const { processes: withPath } = createHost({ path: `${folder}:/nowhere` });
  assert.equal(withPath.find("mine"), join(folder, "mine"));
  assert.equal(withPath.find("text"), undefined);
  assert.match(withPath.find("sh") ?? "", /\/sh$/);
  assert.equal(processes.find("mine"), undefined);
  assert.equal(processes.find(join(folder, "mine")), join(folder, "mine"));
});

test("a missing program is told before anything starts", () => {
  assert.throws(
    () => processes.spawn("no-such-program", [], { stdio: [] }),
    (error) =>
      isLighterError(error, "PROGRAM_MISSING") &&
      error.message === 'cannot start "no-such-program": it is not on PATH; install it',
  );
});

test("a run is cancelled by its signal and by its time, and leaves no zombie", async () => {
  const abort = new AbortController();
  const waiting = processes.run("sleep", ["60"], { signal: abort.signal });
  setTimeout(() => abort.abort(), 20);
  await assert.rejects(waiting, (error) => isLighterError(error, "CANCELLED"));
  assert.equal((await processes.run("sleep", ["60"], { timeoutMs: 20 })).signal, "SIGKILL");
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").trim();
  assert.equal(children, "");
});

test("a detached program has a session of its own", async () => {
  const running = processes.spawn("sleep", ["60"], { stdio: ["ignore", "ignore", "ignore"], detached: true });
  const session = readFileSync(`/proc/${running.pid}/stat`, "utf8").split(" ")[5];
  running.kill("SIGTERM");
  assert.deepEqual(await running.exited, { status: 128, signal: "SIGTERM" });
  assert.equal(session, String(running.pid));
});

test("processes are found by an argument, whole, and can be signalled", async () => {
  const file = join(folder, "followed");
  writeFileSync(file, "");
  const running = processes.spawn("tail", ["-f", file], { stdio: ["ignore", "ignore", "ignore"] });
  assert.deepEqual(processes.listWithArgument(file), [running.pid]);
  assert.deepEqual(processes.listWithArgument(file.slice(0, -1)), []);
  assert.equal(processes.signal(running.pid, "SIGKILL"), true);
  assert.equal((await running.exited).signal, "SIGKILL");
  assert.equal(processes.signal(running.pid, "SIGKILL"), false);
});
