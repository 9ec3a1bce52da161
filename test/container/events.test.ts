// What `events` tells, in docker's words: recorded beside docker 28.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Engine } from "#engine";
import { type Clone, openClone, whyNoMachine } from "../support/cli.ts";

const skip = whyNoMachine();
let clone: Clone;

interface Told {
  readonly Type: string;
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
}

function lighter(...args: readonly string[]): string {
  const { status, stdout, stderr } = clone.run(args);
  assert.equal(status, 0, `${args.join(" ")}: ${stderr}`);
  return stdout;
}

function told(...filters: readonly string[]): Told[] {
  const flags = filters.flatMap((filter) => ["-f", filter]);
  return lighter("events", "--since", "1h", "--until", "0s", "--format", "json", ...flags)
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Told);
}

function lines(events: readonly Told[]): string[] {
  const [id] = [...new Set(events.filter(({ Type }) => Type === "container").map(({ Actor }) => Actor.ID))];
  return events.map(({ Type, Action, Actor: { Attributes } }) => {
    const facts = Object.entries(Attributes)
      .filter(([name]) => !["image", "execDuration"].includes(name))
      .map(([name, value]) => `${name}=${value === id ? "ID" : name === "execID" ? "E" : value}`);
    return `${Type} ${Action} ${facts.join(" ")}`.replaceAll(/sha256:\w{64}/g, "DIGEST").trim();
  });
}

before(() => {
  if (skip !== false) return;
  clone = openClone();
  const root = join(clone.folder, "root");
  mkdirSync(join(root, "bin"), { recursive: true });
  copyFileSync(existsSync("/bin/busybox") ? "/bin/busybox" : "/usr/bin/busybox", join(root, "bin/sh"));
  symlinkSync("sh", join(root, "bin/sleep"));
  const archive = execFileSync("tar", ["-C", root, "-c", "."], { maxBuffer: 64 << 20 });
  const made = clone.run(["import", "-c", "LABEL of=test", "-", "box"], { input: archive });
  assert.equal(made.status, 0, made.stderr);
});
after(() => clone?.[Symbol.dispose]());

test("the life of a container, of its volume and its image, in order", { skip }, async () => {
  lighter("volume", "create", "kept");
  lighter("create", "--name", "told", "--network", "none", "-v", "kept:/kept", "box", "sleep", "10000");
  lighter("rename", "told", "other");
  lighter("start", "other");
  lighter("exec", "other", "sh", "-c", "exit 0");
  lighter("rename", "other", "told");
  lighter("pause", "told");
  lighter("unpause", "told");
  lighter("stop", "-t", "0", "told");
  lighter("rm", "told");
  lighter("volume", "rm", "kept");
  assert.deepEqual(lines(told("container=told", "container=other")), [
    "container create name=told of=test",
    "container rename name=other of=test oldName=/told",
    "container start name=other of=test",
    "container exec_create: sh -c exit 0 execID=E name=other of=test",
    "container exec_start: sh -c exit 0 execID=E name=other of=test",
    "container exec_die execID=E exitCode=0 name=other of=test",
    "container rename name=told of=test oldName=/other",
    "container pause name=told of=test",
    "container unpause name=told of=test",
    "container kill name=told of=test signal=15",
    "container kill name=told of=test signal=9",
    "container die exitCode=137 name=told of=test",
    "container stop name=told of=test",
    "container destroy name=told of=test",
  ]);
  const container = told("event=create", "container=told")[0]?.Actor.ID ?? "";
  const volume = lines(told("volume=kept")).map((line) => line.replace(container, "ID"));
  assert.deepEqual(volume, [
    "volume create driver=local",
    "volume mount container=ID destination=/kept driver=local propagation= read/write=true",
    "volume unmount container=ID driver=local",
    "volume destroy driver=local",
  ]);
});

test("the end of a container whose monitor was killed is told by the next command", { skip }, () => {
  lighter("run", "-d", "--rm", "--name", "lost", "--network", "none", "box", "sleep", "10000");
  const id = told("event=start", "container=lost")[0]?.Actor.ID ?? "";
  const state = JSON.parse(readFileSync(join(clone.root, "containers", id, "state.json"), "utf8"));
  assert.ok(state.monitorPid > 1);
  process.kill(state.monitorPid, "SIGKILL");
  for (const deadline = Date.now() + 60_000; lighter("ps", "-aq", "--no-trunc").includes(id); )
    assert.ok(Date.now() < deadline, "it stays");
  assert.deepEqual(lines(told("container=lost", "event=die", "event=destroy")), [
    "container die exitCode=137 name=lost of=test",
    "container destroy name=lost of=test",
  ]);
});

test("images and networks, and what a filter leaves of them", { skip }, () => {
  lighter("tag", "box", "box:two");
  lighter("rmi", "box:two");
  lighter("save", "-o", "box.tar", "box");
  lighter("load", "-i", "box.tar");
  assert.deepEqual(lines(told("type=image")), [
    "image tag name=box:latest of=test",
    "image import name=DIGEST of=test",
    "image tag name=box:two of=test",
    "image untag name=DIGEST of=test",
    "image save name=DIGEST of=test",
    "image load name=DIGEST of=test",
  ]);
  assert.deepEqual(lines(told("type=image", "event=tag", "image=box:two")), [
    "image tag name=box:two of=test",
  ]);
  lighter("network", "create", "front");
  lighter("network", "rm", "front");
  lighter("network", "prune", "-f");
  assert.deepEqual(lines(told("network=front")), [
    "network create name=front type=bridge",
    "network destroy name=front type=bridge",
  ]);
  assert.deepEqual(lines(told("type=network", "event=prune")), ["network prune reclaimed=0"]);
  assert.deepEqual(told("type=image", "label=of=other"), []);
  const { status, stderr } = clone.run(["events", "-f", "color=red"]);
  assert.equal(status, 1, stderr);
});

test("the library tells the same while it happens", { skip, timeout: 120_000 }, async () => {
  await using engine = new Engine({ root: clone.root });
  const leave = new AbortController();
  const seen: string[] = [];
  const watching = (async () => {
    for await (const { type, action, id } of engine.events({ signal: leave.signal })) {
      seen.push(`${type} ${action} ${id}`);
      if (action === "destroy") leave.abort();
    }
  })();
  // It tells from the moment that it is asked on.
  await new Promise((resolve) => setImmediate(resolve));
  await engine.volumes.create("short");
  await engine.volumes.remove("short");
  await watching;
  assert.deepEqual(seen, ["volume create short", "volume destroy short"]);
});

test("programs that nobody waits for, and those of a health check", { skip }, () => {
  const check = ["--health-cmd", 'sleep 0; echo "x"', "--health-interval", "100ms"];
  lighter("run", "-d", "--name", "sick", "--network", "none", ...check, "box", "sleep", "10000");
  lighter("exec", "-d", "sick", "sh", "-c", "exit 3");
  const ofExec = (): string[] => lines(told("container=sick", "event=exec_create", "event=exec_die"));
  const wanted = [
    'container exec_create: /bin/sh -c sleep 0; echo "x" execID=E name=sick of=test',
    "container exec_die execID=E exitCode=0 name=sick of=test",
    "container exec_create: sh -c exit 3 execID=E name=sick of=test",
    "container exec_die execID=E exitCode=3 name=sick of=test",
  ];
  for (const deadline = Date.now() + 60_000; !wanted.every((line) => ofExec().includes(line)); )
    assert.ok(Date.now() < deadline, ofExec().join("\n"));
  const attributes = told("container=sick", "event=exec_die").map(({ Actor }) => Actor.Attributes);
  assert.ok(attributes.every(({ execID = "" }) => /^[0-9a-f]{64}$/.test(execID)));
  lighter("rm", "-f", "sick");
});

test("a commit pauses, and says so; a copy holds it still without a word", { skip }, () => {
  lighter("run", "-d", "--name", "kept", "--network", "none", "box", "sleep", "10000");
  lighter("commit", "kept", "kept:1");
  lighter("commit", "--pause=false", "kept", "kept:2");
  lighter("cp", "kept:/bin/sh", join(clone.folder, "copied"));
  assert.equal(lighter("diff", "kept"), "");
  const actions = told("container=kept").map(({ Action }) => Action);
  assert.deepEqual(actions, ["create", "start", "pause", "unpause", "commit", "commit", "archive-path"]);
  lighter("rm", "-f", "kept");
  lighter("rmi", "kept:1", "kept:2");
});
