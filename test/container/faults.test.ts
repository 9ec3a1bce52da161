// What goes wrong around a container, by name; after each, `ps -a` explains all that is left.
import assert from "node:assert/strict";
import { type ChildProcess, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { constants } from "node:os";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { openBox } from "../support/box.ts";
import { type Clone, whyNoMachine } from "../support/cli.ts";
import { leftovers } from "../support/leftovers.ts";

const skip = whyNoMachine();
/** Nobody else's program sleeps exactly so long. */
const mark = 100_000_000 + process.pid;
let clone: Clone;

before(() => {
  if (skip !== false) return;
  clone = openBox();
});
after(() => clone?.[Symbol.dispose]());

function ok(args: readonly string[], env = {}): string {
  const { status, stdout, stderr } = clone.run(args, { env });
  assert.equal(status, 0, stderr);
  return stdout.trim();
}

const none = ["--network", "none"];

function assertNothingLeft(): void {
  assert.equal(ok(["ps", "-aq"]), "");
  assert.equal(ok(["system", "check"]), "Nothing is damaged.");
  assert.deepEqual(leftovers(clone.root), []);
  assert.deepEqual(cgroups(), []);
}

/** Of containers of this store that are no more. */
function cgroups(): readonly string[] {
  const ids = new Set(made);
  return ["", ...readdirSync("/sys/fs/cgroup").filter((name) => name !== "unified")].flatMap((hierarchy) => {
    const folder = join("/sys/fs/cgroup", hierarchy, "lighter");
    return existsSync(folder) ? readdirSync(folder).filter((name) => ids.has(name)) : [];
  });
}

const made: string[] = [];

function running(name: string, ...args: readonly string[]): string {
  const id = ok(["run", "-d", "--name", name, ...none, ...args]);
  made.push(id);
  return id;
}

/** A crun that answers probes and cleans up, and does `script` when it is to start a container. */
function fakeCrun(script: string): Readonly<Record<string, string>> {
  const real = spawnSync("sh", ["-c", "command -v crun"], { encoding: "utf8" }).stdout.trim();
  const folder = join(clone.folder, `fake-${createHash("sha256").update(script).digest("hex").slice(0, 8)}`);
  mkdirSync(folder, { recursive: true });
  const program = `#!/bin/sh
case "$*" in *probe-*) exec ${real} "$@" ;; *" run "*) ${script} ;; esac
exec ${real} "$@"
`;
  writeFileSync(join(folder, "crun"), program, { mode: 0o755 });
  return { PATH: `${folder}:${process.env["PATH"]}` };
}

async function until(isTrue: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 60_000; !isTrue(); await delay(50))
    assert.ok(Date.now() < deadline, "it does not come");
}

function isGone(pid: number): boolean {
  const path = `/proc/${pid}/stat`;
  try {
    return / Z /.test(readFileSync(path, "latin1"));
  } catch {
    return true;
  }
}

test("crun that fails: its words once, status 125, nothing left", { skip }, () => {
  const env = fakeCrun(
    'for w in "$@"; do [ "$p" = --log ] && log=$w; p=$w; done; echo "no such luck" | tee "$log" >&2; exit 1',
  );
  const { status, stdout, stderr } = clone.run(["run", "--rm", ...none, "box", "true"], { env });
  assert.equal(status, 125);
  assert.equal(stdout, "");
  assert.match(stderr, /^lighter: cannot run container "[0-9a-f]{64}": no such luck\n$/);
  assertNothingLeft();
});

test("crun and runc missing: a sentence that says what to install", { skip }, () => {
  const { status, stderr } = clone.run(["run", "--rm", "--runtime", "crun", ...none, "box", "true"], {
    through: [
      "unshare",
      "-m",
      "sh",
      "-c",
      'for p in /usr/bin/crun /usr/sbin/crun; do [ -e $p ] && mount --bind /dev/null $p; done; exec "$@"',
      "sh",
    ],
  });
  assert.equal(status, 125);
  assert.match(stderr, /cannot run containers: crun not found on PATH; install one/);
  assertNothingLeft();
});

test("crun that hangs: rm -f ends it, and so does Ctrl-C for the third time", { skip }, async () => {
  const env = fakeCrun(`exec sleep ${mark}`);
  const first = clone.start(["run", "--name", "stuck", ...none, "box", "true"], { env });
  await until(() => ok(["ps", "-aq", "--filter", "name=stuck"]) !== "" && hangs());
  ok(["rm", "-f", "stuck"], env);
  assert.equal((await once(first, "exit"))[0], 125);
  await until(() => !hangs());
  assertNothingLeft();
  const second = clone.start(["run", "--rm", ...none, "box", "true"], { env });
  await until(hangs);
  const ended = once(second, "exit");
  for (let time = 0; time < 3; time += 1) {
    second.kill("SIGINT");
    // Two that wait for a process are one.
    await until(() => !isPending(second.pid ?? 0, constants.signals.SIGINT));
  }
  assert.equal((await ended)[0], 130);
  await until(() => !hangs());
  assertNothingLeft();
});

/** Whether a process has not taken a signal yet that it was sent. */
function isPending(pid: number, number: number): boolean {
  const path = `/proc/${pid}/status`;
  const text = existsSync(path) ? readFileSync(path, "latin1") : "";
  const pending = /^ShdPnd:\s*(\w+)/m.exec(text)?.[1] ?? "0";
  return (BigInt(`0x${pending}`) & (1n << BigInt(number - 1))) !== 0n;
}

function hangs(): boolean {
  return spawnSync("pgrep", ["-f", `^sleep ${mark}$`]).status === 0;
}

test("the monitor killed while crun starts: crun goes with it", { skip }, async () => {
  const env = fakeCrun(`exec sleep ${mark}`);
  const command = clone.start(["run", "--rm", ...none, "box", "true"], { env });
  await until(hangs);
  for (const pid of monitors()) process.kill(pid, "SIGKILL");
  assert.equal((await once(command, "exit"))[0], 125);
  await until(() => !hangs());
  assertNothingLeft();
});

function monitors(): readonly number[] {
  return readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid))
    .filter((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, "utf8");
        return line.includes("lighter-monitor") && line.includes(clone.root);
      } catch {
        return false;
      }
    })
    .map(Number);
}

test("the monitor killed: system check says what it put in order", { skip }, async () => {
  running("orphan", "box", "sleep", "1000");
  const killed = monitors();
  for (const pid of killed) process.kill(pid, "SIGKILL");
  await until(() => killed.every(isGone));
  assert.match(
    ok(["system", "check"]),
    /^(Repaired: container "orphan" had lost its monitor and was ended\.\n)?Nothing is damaged\.$/,
  );
  assert.equal(ok(["inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "orphan"]), "exited 137");
  ok(["rm", "orphan"]);
  assertNothingLeft();
});

test("memory that runs out: OOMKilled and 137", { skip }, () => {
  const eat = "x=$(head -c 60000000 /dev/zero | tr '\\0' x); echo ${#x}";
  const { status } = clone.run([
    "run",
    "--name",
    "fat",
    "-m",
    "8m",
    ...none,
    "box",
    "sh",
    "-c",
    `exec sh -c "${eat.replaceAll('"', '\\"').replaceAll("$", "\\$")}"`,
  ]);
  assert.notEqual(status, 0);
  assert.equal(ok(["inspect", "-f", "{{.State.OOMKilled}}", "fat"]), "true");
  ok(["rm", "fat"]);
  const alone = clone.run(["run", "--name", "fat", "-m", "8m", ...none, "box", "tail", "/dev/zero"]);
  assert.equal(alone.status, 137);
  assert.equal(ok(["inspect", "-f", "{{.State.OOMKilled}} {{.State.ExitCode}}", "fat"]), "true 137");
  ok(["rm", "fat"]);
  assertNothingLeft();
});

test("a full disk under the log: lines are lost and counted, the program and its status are not", {
  skip,
}, async () => {
  const folder = join(clone.root, "containers");
  mkdirSync(folder, { recursive: true });
  assert.equal(spawnSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", folder]).status, 0);
  try {
    running(
      "full",
      "-v",
      `${clone.folder}:/out`,
      "box",
      "sh",
      "-c",
      "until [ -e /out/go ]; do sleep 0.1; done; yes | head -c 9000000; echo done > /out/done; exit 6",
    );
    writeFileSync(join(clone.folder, "go"), "");
    assert.equal(ok(["wait", "full"]), "6");
    assert.equal(readFileSync(join(clone.folder, "done"), "utf8"), "done\n");
    const { state } = JSON.parse(
      `{"state":${readFileSync(join(folder, ok(["inspect", "-f", "{{.Id}}", "full"]), "state.json"), "utf8")}}`,
    );
    assert.equal(state.status, "exited");
    assert.ok(state.lostLogBytes > 1_000_000);
    assert.match(clone.run(["logs", "--tail", "2", "full"]).stdout, /^y\n/);
    ok(["rm", "-f", "full"]);
  } finally {
    await until(() => spawnSync("umount", [folder]).status === 0);
  }
  assertNothingLeft();
});

test("thirty containers at once, and their end", { skip }, async () => {
  const names = Array.from({ length: 30 }, (_, at) => `many${at}`);
  const starts = names.map((name) =>
    clone.start(["run", "-d", "--name", name, ...none, "box", "sleep", "1000"]),
  );
  const said: string[] = [];
  for (const child of starts) {
    child.stdout?.on("data", (chunk) => made.push(String(chunk).trim()));
    child.stderr?.on("data", (chunk) => said.push(String(chunk)));
  }
  try {
    for (const child of starts) if (child.exitCode === null) await once(child, "exit");
    assert.deepEqual(said, []);
    assert.deepEqual(new Set(starts.map((child) => child.exitCode)), new Set([0]));
    assert.equal(ok(["ps", "-q"]).split("\n").length, names.length);
  } finally {
    clone.run(["rm", "-f", ...names]);
  }
  assertNothingLeft();
});

test("two commands on one container at once: start and rm, stop and restart, cp and rm", {
  skip,
}, async () => {
  const pairs = [
    [
      ["start", "both"],
      ["rm", "-f", "both"],
    ],
    [
      ["stop", "-t", "0", "both"],
      ["restart", "-t", "0", "both"],
    ],
    [
      ["cp", "both:/bin/busybox", "-"],
      ["rm", "-f", "both"],
    ],
    [
      ["exec", "both", "true"],
      ["stop", "-t", "0", "both"],
    ],
  ] as const;
  for (const [first, second] of pairs) {
    if (first[0] === "start") made.push(ok(["create", "--name", "both", ...none, "box", "sleep", "1000"]));
    else running("both", "box", "sleep", "1000");
    const children = [clone.start(first), clone.start(second)];
    await Promise.all(children.map((child) => drained(child)));
    clone.run(["rm", "-f", "both"]);
    assertNothingLeft();
  }
});

async function drained(child: ChildProcess): Promise<void> {
  child.stdout?.resume();
  child.stderr?.resume();
  if (child.exitCode === null) await once(child, "exit");
}

test("the clock set back: times in the future disturb nobody", { skip }, async () => {
  const id = running("future", "box", "sh", "-c", "echo said; sleep 1000");
  await until(() => ok(["logs", "future"]) === "said");
  const folder = join(clone.root, "containers", id);
  const ahead = (file: string, field: string): void => {
    const value = JSON.parse(readFileSync(join(folder, file), "utf8"));
    writeFileSync(
      join(folder, file),
      JSON.stringify({ ...value, [field]: "2099-01-01T00:00:00.000000000Z" }),
    );
  };
  ahead("container.json", "created");
  ahead("state.json", "startedAt");
  const log = join(folder, `${id}-json.log`);
  writeFileSync(log, readFileSync(log, "utf8").replace(/"time":"\d{4}/, '"time":"2099'));
  assert.match(ok(["ps"]), /future/);
  assert.equal(ok(["logs", "future"]), "said");
  assert.match(readFileSync(log, "utf8"), /"time":"2099/);
  assert.equal(ok(["logs", "--since", "10m", "future"]), "said");
  ok(["restart", "-t", "0", "future"]);
  assert.equal(ok(["inspect", "-f", "{{.State.Running}}", "future"]), "true");
  ok(["rm", "-f", "future"]);
  assertNothingLeft();
});

test("CVE-2018-15664: links swapped under cp lead nowhere outside", { skip }, async () => {
  const secret = join(clone.folder, "secret");
  writeFileSync(secret, "of the host");
  writeFileSync(join(clone.folder, "evil"), "evil");
  const swap = `mkdir -p /t/d; while :; do rm -rf /t/d; ln -s ${clone.folder} /t/d; rm /t/d; mkdir /t/d; done`;
  running("swapper", "box", "sh", "-c", swap);
  for (let round = 0; round < 6; round += 1) {
    clone.run(["cp", join(clone.folder, "evil"), "swapper:/t/d/secret"]);
    const { stdout } = clone.run(["cp", "swapper:/t/d/secret", "-"]);
    assert.ok(!stdout.includes("of the host"));
  }
  assert.equal(readFileSync(secret, "utf8"), "of the host");
  ok(["rm", "-f", "swapper"]);
  assertNothingLeft();
});

test("CVE-2024-21626: no descriptor of the runtime is a working directory", { skip }, () => {
  running("cwd", "box", "sleep", "1000");
  const isOfHost = (text: string): boolean =>
    text.includes("vmlinuz") || text.includes(clone.root) || /^(root|home)\n[\s\S]*^(usr|lib)$/m.test(text);
  for (let fd = 3; fd < 20; fd += 1) {
    for (const path of [`/proc/self/fd/${fd}`, `/proc/self/fd/${fd}/../..`]) {
      const exec = clone.run(["exec", "-w", path, "cwd", "ls", "-a", "."]);
      assert.ok(!isOfHost(exec.stdout), `exec -w ${path}: ${exec.stdout}`);
    }
  }
  for (const fd of [3, 7, 8, 9]) {
    const run = clone.run(["run", "--rm", ...none, "-w", `/proc/self/fd/${fd}`, "box", "ls", "-a", "."]);
    assert.ok(!isOfHost(run.stdout), run.stdout);
  }
  ok(["rm", "-f", "cwd"]);
  assertNothingLeft();
});

test("CVE-2019-5736: the runtime and the monitor cannot be overwritten from inside", { skip }, async () => {
  const programs = ["crun", "runc"].flatMap((name) => {
    const path = spawnSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).stdout.trim();
    return path === "" ? [] : [path];
  });
  const monitor = `monitor/prebuilt/lighter-monitor-${process.arch}`;
  const digests = () =>
    [...programs, monitor].map((path) => createHash("sha256").update(readFileSync(path)).digest("hex"));
  const old = digests();
  const script = `printf '#!/proc/self/exe\\n' > /evil; chmod +x /evil; /evil & for p in /proc/[0-9]*/exe /proc/self/exe /sbin/docker-init; do { echo owned > $p; } 2>/dev/null; done; true`;
  for (const flags of [[], ["--init"], ["--privileged"]])
    clone.run(["run", "--rm", ...none, ...flags, "box", "sh", "-c", script]);
  clone.run(["run", "--rm", ...none, "--entrypoint", "/proc/self/exe", "box"]);
  running(
    "exe",
    "box",
    "sh",
    "-c",
    "printf '#!/proc/self/exe\\n' > /bin/evil; chmod +x /bin/evil; sleep 1000",
  );
  await until(() => clone.run(["exec", "exe", "test", "-x", "/bin/evil"]).status === 0);
  clone.run(["exec", "exe", "/bin/evil"]);
  assert.deepEqual(digests(), old);
  ok(["rm", "-f", "exe"]);
  assertNothingLeft();
});

test("a file that is the input of exec cannot be written to from inside", { skip }, () => {
  running("input", "box", "sleep", "1000");
  const file = join(clone.root, "input.sql");
  writeFileSync(file, "of the host");
  const script = "cat /dev/stdin; echo owned > /proc/self/fd/0; exit 3";
  const lighter = spawnSync(
    "sh",
    ["-c", `exec "$0" exec -i input sh -c "$1" < "$2"`, resolve("bin/lighter"), script, file],
    { encoding: "utf8", env: { ...process.env, LIGHTER_ROOT: clone.root }, timeout: 120_000 },
  );
  assert.equal(lighter.stdout, "of the host", lighter.stderr);
  assert.equal(lighter.status, 3);
  assert.equal(readFileSync(file, "utf8"), "of the host");
  ok(["rm", "-f", "input"]);
  assertNothingLeft();
});

test("CVE-2025-31133, CVE-2025-52565, CVE-2025-52881: masks, console and /proc stay the runtime's", {
  skip,
}, () => {
  const corePattern = readFileSync("/proc/sys/kernel/core_pattern", "utf8");
  const dev = join(clone.folder, "dev");
  mkdirSync(dev);
  for (const name of ["null", "console", "ptmx"])
    symlinkSync("/proc/sys/kernel/core_pattern", join(dev, name));
  const attack =
    "echo owned > /proc/sys/kernel/core_pattern; echo owned > /dev/null; echo owned > /dev/console; cat /proc/kcore | head -c 1; true";
  for (const flags of [[], ["-t"], ["-v", `${dev}:/dev`], ["-t", "-v", `${dev}:/dev`]])
    clone.run(["run", "--rm", ...none, ...flags, "box", "sh", "-c", attack]);
  assert.equal(readFileSync("/proc/sys/kernel/core_pattern", "utf8"), corePattern);
  const masked = ok([
    "run",
    "--rm",
    ...none,
    "box",
    "sh",
    "-c",
    "cat /proc/kcore /proc/keys 2>/dev/null | wc -c; ls /proc/acpi /sys/firmware 2>/dev/null | grep -vc :",
  ]);
  assert.match(masked, /^0\n/);
  for (const flags of [
    ["--tmpfs", "/proc"],
    ["-v", `${dev}:/proc/self/attr`],
    ["-v", `${dev}:/proc/../proc/sys`],
  ]) {
    const { status, stderr } = clone.run(["run", "--rm", ...none, ...flags, "box", "true"]);
    assert.equal(status, 125);
    assert.match(stderr, /nothing may be mounted over \/proc/);
  }
  assertNothingLeft();
});

test("restart policies after a boot: everything was killed and the run directory wiped", {
  skip,
}, async () => {
  const started = [
    running("always", "--restart", "always", "box", "sleep", "1000"),
    running("unless", "--restart", "unless-stopped", "box", "sleep", "1000"),
    running("failing", "--restart", "on-failure:3", "box", "sleep", "1000"),
    running("never", "box", "sleep", "1000"),
    running("stopped", "--restart", "unless-stopped", "box", "sleep", "1000"),
    running("asked", "--restart", "always", "box", "sleep", "1000"),
  ];
  ok(["stop", "-t", "0", "stopped", "asked"]);
  const killed = started.flatMap((id): readonly number[] => {
    const text = readFileSync(join(clone.root, "containers", id, "state.json"), "utf8");
    const { status, monitorPid, pid } = JSON.parse(text);
    return status === "running" ? [monitorPid, pid] : [];
  });
  for (const pid of killed) kill(pid);
  await until(() => killed.every(isGone));
  rmSync(join(clone.root, "run"), { recursive: true });
  const resumed = ok(["system", "resume"]).split("\n").sort();
  assert.deepEqual(resumed, ["always", "asked", "unless"], "on-failure is for failures, as docker has it");
  const up = ok(["ps", "--format", "{{.Names}}"]).split("\n").sort();
  assert.deepEqual(up, ["always", "asked", "unless"]);
  assert.equal(ok(["system", "resume"]), "", "what runs is left alone");
  ok(["rm", "-f", "always", "asked", "failing", "unless", "never", "stopped"]);
  assertNothingLeft();
});

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it went with its monitor
  }
}
