import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
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

const quiet = ["ignore", "ignore", "ignore"] as const;
// One of their own, or Node starts them.
const env = { PATH: "/usr/bin:/bin" };

test("descriptors become the numbers asked for, whatever their own, and no others are handed on", async () => {
  const files = Array.from({ length: 20 }, (_, at) => join(folder, `file-${at}`));
  const fds = files.map((path) => openSync(path, "w"));
  const wanted = fds.toReversed();
  const first = quiet.length;
  const script = `${wanted.map((_, at) => `echo ${at} >&${first + at}`).join("; ")}; ls /proc/$$/fd >&${first}`;
  const running = processes.spawn("bash", ["-c", script], { stdio: [...quiet, ...wanted], env });
  for (const fd of fds) closeSync(fd);
  assert.deepEqual(await running.exited, { status: 0 });
  const texts = files.map((path) => readFileSync(path, "utf8")).toReversed();
  assert.deepEqual(
    texts.slice(1).map((text) => text.trim()),
    texts.slice(1).map((_, at) => String(at + 1)),
  );
  const handed = Array.from({ length: first + wanted.length }, (_, at) => String(at));
  const [, ...listed] = (texts[0] ?? "").trim().split("\n");
  // bash keeps one of its own, far above.
  assert.deepEqual(
    listed.filter((fd) => Number(fd) < 200).toSorted((a, b) => Number(a) - Number(b)),
    handed,
  );
});

test("a channel is a stream in both directions", async () => {
  const running = processes.spawn("sh", ["-c", "head -c 9 <&3 | tr a-z A-Z >&3"], {
    stdio: [...quiet, "pipe"],
    env,
  });
  const channel = running.channel(3);
  assert.ok(channel);
  channel.write(Buffer.from("both ways"));
  let said = "";
  await channel.read((chunk) => void (said += String(chunk)));
  assert.equal(said, "BOTH WAYS");
  assert.deepEqual(await running.exited, { status: 0 });
});

test("a channel loses nothing when either side is slow, and what a reader throws ends it", async () => {
  const sizeBytes = 8 << 20;
  const running = processes.spawn("sh", ["-c", `head -c ${sizeBytes} <&3 | cat >&3`], {
    stdio: [...quiet, "pipe"],
    env,
  });
  using channel = running.channel(3);
  assert.ok(channel);
  const sent = Buffer.alloc(sizeBytes, "0123456789abcdefghijk");
  const sum = createHash("sha256");
  let isWaiting = false;
  const read = channel.read(async (chunk) => {
    assert.equal(isWaiting, false);
    isWaiting = true;
    await new Promise((resolve) => setImmediate(resolve));
    isWaiting = false;
    sum.update(chunk);
  });
  for (let at = 0; at < sizeBytes; at += 1 << 20)
    if (!channel.write(sent.subarray(at, at + (1 << 20)))) await channel.flushed();
  await read;
  assert.equal(sum.digest("hex"), createHash("sha256").update(sent).digest("hex"));
  assert.deepEqual(await running.exited, { status: 0 });

  const other = processes.spawn("sh", ["-c", "echo said >&3; cat <&3"], { stdio: [...quiet, "pipe"], env });
  const failing = other.channel(3)?.read(() => {
    throw new Error("no more");
  });
  await assert.rejects(async () => await failing, /no more/);
  assert.deepEqual(await other.exited, { status: 0 });
});

test("only the process that is meant is killed", async () => {
  const running = processes.spawn("sleep", ["600"], { stdio: quiet, env });
  processes.killMeant(running.pid, () => false);
  assert.equal(processes.signal(running.pid, "SIGCONT"), true);
  processes.killMeant(running.pid, () => true);
  assert.deepEqual(await running.exited, { status: 128, signal: "SIGKILL" });
  processes.killMeant(running.pid, () => assert.fail("it has ended"));
});

test("a program starts in its folder, with its environment alone and the signals of a fresh process", async () => {
  const said = join(folder, "said");
  const script = `{ pwd; echo $A; grep -E 'Sig(Ign|Blk)' /proc/self/status; } > ${said}`;
  const options = { stdio: quiet, cwd: folder, env: { A: "1 = ü" } };
  assert.equal((await processes.spawn("sh", ["-c", script], options).exited).status, 0);
  const none = "0".repeat(16);
  assert.equal(readFileSync(said, "utf8"), `${folder}\n1 = ü\nSigBlk:\t${none}\nSigIgn:\t${none}\n`);
});

test("what cannot be started is told, and a hundred at once are told apart", async () => {
  const broken = join(folder, "broken");
  writeFileSync(broken, "#!/no/such/interpreter\n", { mode: 0o755 });
  assert.throws(
    () => processes.spawn(broken, [], { stdio: quiet, env }),
    /cannot start ".*broken": .*ENOENT/,
  );
  const statuses = Array.from({ length: 100 }, (_, at) => at);
  const exits = statuses.map(
    (at) => processes.spawn("sh", ["-c", `exit ${at}`], { stdio: quiet, env }).exited,
  );
  assert.deepEqual(
    (await Promise.all(exits)).map(({ status }) => status),
    statuses,
  );
  assert.equal(process.listenerCount("SIGCHLD"), 0);
});

test("processes are found by an argument, whole, and can be signalled", async () => {
  const file = join(folder, "followed");
  writeFileSync(file, "");
  const running = processes.spawn("tail", ["-f", file], { stdio: ["ignore", "ignore", "ignore"] });
  // The kernel fills in the arguments a moment after the program has taken the place of its starter.
  while (processes.listWithArgument(file).length === 0) await delay(1);
  assert.deepEqual(processes.listWithArgument(file), [running.pid]);
  assert.deepEqual(processes.listWithArgument(file.slice(0, -1)), []);
  assert.equal(processes.signal(running.pid, "SIGKILL"), true);
  assert.equal((await running.exited).signal, "SIGKILL");
  assert.equal(processes.signal(running.pid, "SIGKILL"), false);
});
