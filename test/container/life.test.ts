import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { readTar } from "#archive";
import type { LogEntry, RunRequest } from "#container";
import { imageOf, missing, Stage } from "./stage.ts";

const skip = missing() ?? false;
const stage = skip === false ? new Stage() : undefined;
after(() => stage?.[Symbol.dispose]());

function theStage(): Stage {
  assert.ok(stage);
  return stage;
}

function start(script: string, more: Partial<RunRequest> = {}) {
  return theStage().containers.runDetached({
    image: imageOf({}),
    imageName: "busybox",
    args: ["sh", "-c", script],
    network: "none",
    ...more,
  });
}

async function logsOf(name: string, options = {}): Promise<readonly LogEntry[]> {
  const entries: LogEntry[] = [];
  for await (const entry of theStage().containers.logs(name, options)) entries.push(entry);
  return entries;
}

async function until(isTrue: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 60_000; !isTrue(); await delay(20))
    assert.ok(Date.now() < deadline, "it does not come");
}

function hasSaid(name: string, word: string): boolean {
  return existsSync(logPath(name)) && readFileSync(logPath(name), "utf8").includes(word);
}

test("a detached container outlives its maker, and its end is known", { skip }, async () => {
  const { containers } = theStage();
  const { state, id } = await start("echo out; echo err >&2; exit 3", { name: "short" });
  assert.ok(state.pid > 0 || state.status === "exited");
  assert.equal(await containers.wait("short"), 3);
  await until(() => containers.get("short").state.status === "exited");
  assert.equal(containers.get(id.slice(0, 8)).state.exitCode, 3);
  const logs = await logsOf("short");
  assert.deepEqual(logs.map(({ stream, log }) => [stream, log]).sort(), [
    ["stderr", "err\n"],
    ["stdout", "out\n"],
  ]);
  await containers.remove("short");
});

test("stop asks by the stop signal and kills after the time", { skip }, async () => {
  const { containers } = theStage();
  await start("trap 'echo bye; exit 7' USR1; echo up; while :; do sleep 0.1; done", {
    name: "polite",
    stopSignal: "USR1",
  });
  await until(() => hasSaid("polite", "up"));
  await containers.stop("polite", { timeoutSeconds: 60 });
  assert.equal(containers.get("polite").state.exitCode, 7);
  assert.match((await logsOf("polite")).map(({ log }) => log).join(""), /bye/);
  await start("trap '' TERM; echo up; while :; do sleep 0.1; done", { name: "rude" });
  await until(() => hasSaid("rude", "up"));
  const before = performance.now();
  await containers.stop("rude", { timeoutSeconds: 1 });
  assert.ok(performance.now() - before >= 900);
  assert.equal(containers.get("rude").state.exitCode, 137);
  await containers.start("rude");
  assert.equal(containers.get("rude").state.status, "running");
  await containers.remove("rude", { force: true });
  await containers.remove("polite");
});

function logPath(name: string): string {
  const { id } = theStage().containers.get(name);
  return join(theStage().root, "containers", id, `${id}-json.log`);
}

test("the restart policy starts it again, as often as it says", { skip }, async () => {
  const { containers } = theStage();
  const restart = { name: "on-failure", maximumRetryCount: 2 } as const;
  await start("echo try; exit 1", { name: "again", restart });
  await until(() => containers.get("again").state.status === "exited");
  const { restartCount, exitCode } = containers.get("again").state;
  assert.deepEqual({ restartCount, exitCode }, { restartCount: 2, exitCode: 1 });
  assert.equal((await logsOf("again")).length, 3);
  await containers.remove("again");
  await start("exit 0", { name: "ever", restart: { name: "always", maximumRetryCount: 0 } });
  await until(() => containers.get("ever").state.restartCount > 0);
  await containers.stop("ever", { timeoutSeconds: 0 });
  await delay(300);
  assert.equal(containers.get("ever").state.status, "exited", "a stop is not undone");
  await containers.remove("ever");
});

test("logs: tail, follow, rotation, long lines and what is no text", { skip }, async () => {
  const { containers } = theStage();
  await start("for i in 1 2 3 4 5; do echo line $i; done; printf '\\377\\n'; printf '%040000d\\n' 7", {
    name: "talk",
  });
  await containers.wait("talk");
  const all = await logsOf("talk");
  assert.deepEqual(
    all.slice(0, 6).map(({ log }) => log),
    ["line 1\n", "line 2\n", "line 3\n", "line 4\n", "line 5\n", "\ufffd\n"],
  );
  const long = all.slice(6).map(({ log }) => log);
  assert.deepEqual(
    long.map(({ length }) => length),
    [16_384, 16_384, 40_001 - 2 * 16_384],
  );
  assert.equal((await logsOf("talk", { tail: 4 })).length, 4);
  assert.equal((await logsOf("talk", { tail: 0 })).length, 0);
  assert.equal((await logsOf("talk", { since: all[2]?.time })).length, all.length - 2);
  await containers.remove("talk");

  const log = { driver: "json-file", maxBytes: 4000, maxFiles: 3, options: {} } as const;
  const rows = "i=0; while [ $i -lt 400 ]; do echo row $i; i=$((i+1)); done";
  await start(`trap 'echo last; exit' USR1; ${rows}; while :; do sleep 0.1; done`, { name: "turn", log });
  const following = logsOf("turn", { follow: true });
  await until(() => hasSaid("turn", "row 399"));
  await containers.kill("turn", "SIGUSR1");
  const followed = await following;
  assert.equal(followed.at(-1)?.log, "last\n");
  assert.ok(existsSync(`${logPath("turn")}.2`) && !existsSync(`${logPath("turn")}.3`));
  await containers.remove("turn");
});

test("exec: streams apart, status, user, directory, and docker's statuses", { skip }, async () => {
  const { containers } = theStage();
  await start("sleep 10000", { name: "host1", env: ["A=1"] });
  const output = { stdout: "", stderr: "" };
  const stdio = {
    onStdout: (chunk: Uint8Array) => (output.stdout += Buffer.from(chunk).toString()),
    onStderr: (chunk: Uint8Array) => (output.stderr += Buffer.from(chunk).toString()),
  };
  const status = await containers.exec("host1", {
    args: ["sh", "-c", "echo $A $B $HOME; pwd; id -u; echo e >&2; exit 9"],
    env: ["B=2"],
    user: "ann",
    workdir: "/tmp",
    stdio,
  });
  assert.deepEqual(
    { status, ...output },
    { status: 9, stdout: "1 2 /home/ann\n/tmp\n1000\n", stderr: "e\n" },
  );
  await assert.rejects(containers.exec("host1", { args: ["nope"], stdio }), { code: "COMMAND_NOT_FOUND" });
  await assert.rejects(containers.exec("host1", { args: ["/etc/passwd"], stdio }), {
    code: "COMMAND_NOT_EXECUTABLE",
  });
  await containers.remove("host1", { force: true });
});

test("pause and unpause", { skip }, async () => {
  const { containers } = theStage();
  await start("sleep 10000", { name: "still" });
  await containers.pause("still");
  assert.equal(containers.get("still").state.status, "paused");
  await assert.rejects(containers.pause("still"), { code: "CONTAINER_INVALID" });
  await containers.unpause("still");
  assert.equal(containers.get("still").state.status, "running");
  await containers.pause("still");
  await containers.remove("still", { force: true });
});

test("health by a program and by a port, without a daemon", { skip }, async () => {
  const { containers } = theStage();
  const quick = { Interval: 100_000_000, Timeout: 60_000_000_000, Retries: 2 };
  const healthOf = (name: string) => containers.get(name).state.health?.status;
  await start("sleep 10000", { name: "sick", health: { ...quick, Test: ["CMD-SHELL", "echo bad; exit 1"] } });
  await until(() => healthOf("sick") === "unhealthy");
  assert.deepEqual(containers.get("sick").state.health?.log.at(-1)?.output, "bad\n");
  await start("httpd -p 8080; sleep 10000", {
    name: "open",
    health: { ...quick, probe: { kind: "tcp", port: 8080, path: "/" } },
  });
  await until(() => healthOf("open") === "healthy");
  const impatient = { ...quick, Timeout: 500_000_000, Test: ["CMD", "sleep", "10000"] };
  await start("sleep 10000", { name: "slow", health: impatient });
  await until(() => healthOf("slow") === "unhealthy");
  for (const name of ["sick", "open", "slow"]) await containers.remove(name, { force: true });
});

test("volumes outlive containers, anonymous ones do not", { skip }, async () => {
  const { containers } = theStage();
  await theStage().run({ args: ["sh", "-c", "echo kept > /data/f"], volumes: ["data:/data"] });
  const { stdout } = await theStage().run({ args: ["cat", "/data/f"], volumes: ["data:/data:ro"] });
  assert.equal(stdout, "kept\n");
  await theStage().run({ args: ["true"], config: { Volumes: { "/etc": {} } } });
  assert.deepEqual(
    containers.volumes.list().map(({ name }) => name),
    ["data"],
  );
  const filled = await theStage().run({ args: ["cat", "/etc/group"], volumes: ["etc:/etc"] });
  assert.match(filled.stdout, /staff:x:50:ann/, "a new volume has what the image has there");
  await start("sleep 10000", { name: "user", volumes: ["data:/data"] });
  assert.throws(() => containers.volumes.remove("data"), { code: "VOLUME_IN_USE" });
  await containers.remove("user", { force: true });
  for (const name of ["data", "etc"]) containers.volumes.remove(name);
});

test("cp stays inside the container whatever its links say (CVE-2018-15664)", { skip }, async () => {
  const { containers, root } = theStage();
  const secret = join(root, "secret");
  mkdirSync(join(root, "host"), { recursive: true });
  writeFileSync(secret, "of the host");
  await start(
    `mkdir /tree; ln -s ${root} /out; ln -s ${secret} /leak; ln -s /etc/passwd /abs; echo ready; sleep 10000`,
    { name: "links" },
  );
  await until(() => hasSaid("links", "ready"));
  const { id } = containers.get("links");
  const out = (containerPath: string, hostPath: string, more = {}) =>
    containers.copy("links", { direction: "out", containerPath, hostPath, ...more });
  const into = (hostPath: string, containerPath: string) =>
    containers.copy("links", { direction: "in", containerPath, hostPath });
  await assert.rejects(out("/leak", join(root, "host/leak"), { followLink: true }), {
    code: "CONTAINER_INVALID",
  });
  await out("/abs", join(root, "host/abs"), { followLink: true });
  assert.match(readFileSync(join(root, "host/abs"), "utf8"), /ann/, "the container's passwd, not the host's");
  writeFileSync(join(root, "host/evil"), "evil");
  await assert.rejects(into(join(root, "host/evil"), "/out/host/planted"), { code: "CONTAINER_INVALID" });
  await assert.rejects(into(join(root, "host/evil"), "/leak"), { code: "CONTAINER_INVALID" });
  assert.equal(readFileSync(secret, "utf8"), "of the host");
  await into(join(root, "host/evil"), "/abs");
  mkdirSync(join(root, "host/dir"));
  symlinkSync("/etc", join(root, "host/dir/link"));
  await into(join(root, "host/dir"), "/tree");
  const written = join(root, "containers", id, "fs");
  assert.equal(readFileSync(join(written, "etc/passwd"), "utf8"), "evil", "a link is followed, inside");
  assert.equal(readlinkSync(join(written, "abs")), "/etc/passwd");
  await containers.remove("links", { force: true });
});

test("cp of tar archives and of links", { skip }, async () => {
  const { containers, root } = theStage();
  await start(
    "mkdir -p /data/sub; echo text > /data/sub/f; ln -s sub/f /data/link; echo ready; sleep 10000",
    {
      name: "tars",
    },
  );
  await until(() => hasSaid("tars", "ready"));
  const out = join(root, "tars");
  mkdirSync(out);
  await containers.copy("tars", {
    direction: "out",
    containerPath: "/data/link",
    hostPath: join(out, "link"),
  });
  assert.equal(readlinkSync(join(out, "link")), "sub/f");
  const names = async (containerPath: string, more = {}) => {
    const chunks: Buffer[] = [];
    for await (const chunk of containers.copyOut("tars", { containerPath, ...more })) chunks.push(chunk);
    return readTar(Buffer.concat(chunks)).map(({ entry }) => entry.path);
  };
  assert.deepEqual(await names("/data"), ["data", "data/link", "data/sub", "data/sub/f"]);
  assert.deepEqual(await names("/data/"), ["data", "data/link", "data/sub", "data/sub/f"]);
  assert.deepEqual(await names("/data/."), [".", "./link", "./sub", "./sub/f"]);
  assert.deepEqual(await names("/data/sub/f"), ["f"]);
  const archive = async function* () {
    yield* containers.copyOut("tars", { containerPath: "/data/." });
  };
  await containers.copyIn("tars", { containerPath: "/tmp", source: archive() });
  const { id } = containers.get("tars");
  assert.equal(readFileSync(join(root, "containers", id, "fs/tmp/sub/f"), "utf8"), "text\n");
  await assert.rejects(containers.copyIn("tars", { containerPath: "/absent", source: archive() }), {
    code: "CONTAINER_INVALID",
    message: /there is no such directory/,
  });
  assert.ok(!existsSync(join(root, "containers", id, "fs/absent")));
  assert.deepEqual(
    readdirSync(join(root, "run")).filter((name) => name.startsWith(".copy")),
    [],
  );
  await containers.remove("tars", { force: true });
});

test("two commands at once on one container", { skip }, async () => {
  const { containers } = theStage();
  for (let round = 0; round < 5; round += 1) {
    await start("sleep 10000", { name: "busy" });
    await Promise.allSettled([
      containers.stop("busy", { timeoutSeconds: 0 }),
      containers.restart("busy", { timeoutSeconds: 0 }),
    ]);
    await Promise.allSettled([containers.start("busy"), containers.remove("busy", { force: true })]);
    await Promise.allSettled([containers.remove("busy", { force: true })]);
    await containers.sweep();
    assert.deepEqual(containers.list(), []);
  }
});

test("memory that runs out is told", { skip }, async () => {
  const { status } = await theStage().run({
    args: ["sh", "-c", "x=$(cat /dev/zero | head -c 60000000 | tr '\\0' x); echo ${#x}"],
    name: "fat",
    remove: false,
    limits: { memoryBytes: 8 << 20 },
  });
  const { state } = theStage().containers.get("fat");
  assert.notEqual(status, 0);
  assert.equal(state.oomKilled, true);
  await theStage().containers.remove("fat");
});

test("a second container in the first one's namespaces sees its processes and files", { skip }, async () => {
  const { containers } = theStage();
  await start("echo here > /mark; echo shared > /dev/shm/note; echo ready; sleep 10000", { name: "target" });
  await until(() => hasSaid("target", "ready"));
  const place = "container:target";
  const { stdout } = await theStage().run({
    args: ["sh", "-c", "cat /proc/1/root/mark /dev/shm/note; cat /proc/1/cmdline"],
    pid: place,
    ipc: place,
    network: place,
    capAdd: ["SYS_PTRACE"],
  });
  assert.match(stdout, /^here\nshared\n/);
  assert.match(stdout, /sleep|sh/);
  await containers.remove("target", { force: true });
});

test("events tell a life in order", { skip }, async () => {
  const { containers } = theStage();
  const begin = `${new Date(Date.now() - 1).toISOString().slice(0, -1)}000000Z`;
  await start("exit 4", { name: "told" });
  await containers.wait("told");
  await until(() => containers.get("told").state.status === "exited");
  await containers.remove("told");
  const seen: string[] = [];
  const end = `${new Date(Date.now() + 1).toISOString().slice(0, -1)}000000Z`;
  for await (const { action, attributes } of theStage().events.read({ since: begin, until: end }))
    if (attributes["name"] === "told") seen.push(`${action} ${attributes["exitCode"] ?? ""}`.trim());
  assert.deepEqual(seen, ["create", "start", "die 4", "destroy"]);
});

test("nothing is left of any of it", { skip }, async () => {
  await theStage().containers.sweep();
  const { mounts, links, run, containers, upper } = theStage().leftovers() as Record<string, unknown>;
  assert.deepEqual(
    { mounts, links, run, containers, upper },
    { mounts: [], links: ["lo"], run: [], containers: [], upper: [] },
  );
});
