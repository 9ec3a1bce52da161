// Terminals, signals and streams, as a user has them: the command line on a real pseudo terminal.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { openBox } from "../support/box.ts";
import { type Clone, whyNoMachine } from "../support/cli.ts";
import { leftovers } from "../support/leftovers.ts";
import { onTerminal, type Terminal } from "../support/pty.ts";

const skip = whyNoMachine();
let clone: Clone;

before(() => {
  if (skip !== false) return;
  clone = openBox("ENV PS1=ready:");
});
after(() => clone?.[Symbol.dispose]());

const lighter = join(process.cwd(), "bin/lighter");
const env = () => ({ LIGHTER_ROOT: clone.root });

function terminal(args: readonly string[], size = {}) {
  return onTerminal([lighter, ...args], { env: env(), ...size });
}

function running(...flags: readonly string[]): void {
  const { status, stderr } = clone.run(["run", "-d", "--network", "none", ...flags]);
  assert.equal(status, 0, stderr);
}

async function until(isTrue: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 60_000; !isTrue(); await delay(50))
    assert.ok(Date.now() < deadline, "it does not come");
}

function remove(name: string): void {
  assert.equal(clone.run(["rm", "-f", name]).status, 0);
  assert.deepEqual(leftovers(clone.root), []);
}

test("run -it: the size, its changes, Ctrl-C and the program's own status", { skip }, async () => {
  const shell = terminal(["run", "--rm", "-it", "--network", "none", "box", "sh"], {
    rows: 33,
    columns: 111,
  });
  await shell.sees("ready:");
  shell.type("stty size; tty\n");
  await shell.sees("33 111");
  await shell.sees("/dev/");
  shell.resize(44, 122);
  shell.type("while [ \"$(stty size)\" != '44 122' ]; do sleep 0.05; done; echo resi''zed\n");
  await shell.sees("resized");
  // Whether the key ends the sleep or reaches the shell between two of them, the loop ends.
  shell.type("trap 'echo inter''rupted; A=1' INT; echo sl''eeps; while [ -z \"$A\" ]; do sleep 0.1; done\n");
  await shell.sees("sleeps");
  shell.type("\u0003");
  await shell.sees("interrupted");
  shell.type("exit 7\n");
  assert.equal((await shell.ended).status, 7);
  assert.deepEqual(leftovers(clone.root), []);
});

for (const [keys, flags] of [
  ["\u0010\u0011", []],
  ["x\u0001", ["--detach-keys", "x,ctrl-a"]],
] as const)
  test(`run -it is left by ${flags[1] ?? "the default keys"}, and joined again`, { skip }, async () => {
    const first = terminal(["run", "-it", "--name", "left", "--network", "none", ...flags, "box", "sh"]);
    await first.sees("ready:");
    first.type("A=kept\n");
    await first.sees("ready:");
    first.type(keys);
    assert.equal((await first.ended).status, 0);
    assert.equal(clone.run(["inspect", "-f", "{{.State.Status}}", "left"]).stdout, "running\n");
    const again = terminal(["attach", ...flags, "left"], { rows: 50, columns: 90 });
    await prompt(again);
    again.type("while [ \"$(stty size)\" != '50 90' ]; do sleep 0.05; done; echo still $A\n");
    await again.sees("still kept");
    again.type("exit 9\n");
    assert.equal((await again.ended).status, 9);
    remove("left");
  });

/** What joins a program hears only what it says from then on: keys are typed until it answers. */
async function prompt(shell: Terminal): Promise<void> {
  const typing = setInterval(() => shell.type("\n"), 200);
  try {
    await shell.sees("ready:");
  } finally {
    clearInterval(typing);
  }
}

test("exec -it: size, changes, status, and keys that leave the program running", { skip }, async () => {
  running("--name", "host", "box", "sleep", "1000");
  const shell = terminal(["exec", "-it", "host", "sh"], { rows: 31, columns: 71 });
  await shell.sees("ready:");
  shell.type("stty size\n");
  await shell.sees("31 71");
  shell.resize(32, 72);
  shell.type("while [ \"$(stty size)\" != '32 72' ]; do sleep 0.05; done; echo resi''zed\n");
  await shell.sees("resized");
  shell.type("exit 5\n");
  assert.equal((await shell.ended).status, 5);
  const left = terminal(["exec", "-it", "--detach-keys", "ctrl-x", "host", "sh"]);
  await left.sees("ready:");
  left.type("echo be''gins; exec sleep 1234\n");
  await left.sees("begins");
  left.type("\u0018");
  assert.equal((await left.ended).status, 0);
  await until(() => clone.run(["top", "host"]).stdout.includes("sleep 1234"));
  const absent = terminal(["exec", "-it", "host", "absent"]);
  const { status, output } = await absent.ended;
  assert.equal(status, 127);
  assert.match(output, /cannot run "absent"/);
  remove("host");
});

test("a terminal that closes leaves the container running", { skip }, async () => {
  const shell = terminal(["run", "-it", "--name", "closed", "--network", "none", "box", "sh"]);
  await shell.sees("ready:");
  shell.kill("SIGKILL");
  await shell.ended;
  assert.equal(clone.run(["inspect", "-f", "{{.State.Running}}", "closed"]).stdout, "true\n");
  remove("closed");
});

test("signals go to the program, or with --sig-proxy=false to the command alone", { skip }, async () => {
  // Whoever joins later sees by its words that it has joined.
  const script = "trap 'echo got' USR1; trap 'exit 3' TERM; while :; do echo up; sleep 0.05; done";
  const args = ["--name", "proxied", "--network", "none", "box", "sh", "-c", script];
  const proxied = clone.start(["run", "--rm", ...args]);
  const proxiedSays = listen(proxied);
  await proxiedSays("up");
  proxied.kill("SIGUSR1");
  await proxiedSays("got");
  proxied.kill("SIGTERM");
  assert.deepEqual(await once(proxied, "exit"), [3, null]);
  const alone = clone.start(["run", "--sig-proxy=false", ...args]);
  await listen(alone)("up");
  alone.kill("SIGTERM");
  await once(alone, "exit");
  assert.equal(clone.run(["inspect", "-f", "{{.State.Running}}", "proxied"]).stdout, "true\n");
  const joined = clone.start(["attach", "proxied"]);
  const joinedSays = listen(joined);
  await joinedSays("up");
  joined.kill("SIGUSR1");
  await joinedSays("got");
  joined.kill("SIGTERM");
  assert.deepEqual(await once(joined, "exit"), [3, null]);
  remove("proxied");
});

test("100 MB of any bytes go through run -i unchanged", { skip }, async () => {
  const child = spawn(
    lighter,
    ["run", "--rm", "-i", "--network", "none", "--log-driver", "none", "box", "cat"],
    {
      env: { ...process.env, ...env() },
      stdio: ["pipe", "pipe", "inherit"],
    },
  );
  const [sent, got] = [createHash("sha256"), createHash("sha256")];
  let size = 0;
  child.stdout.on("data", (chunk: Buffer) => {
    got.update(chunk);
    size += chunk.length;
  });
  const block = Buffer.from(Array.from({ length: 1 << 20 }, (_, at) => (at * 7 + (at >> 8)) & 255));
  for (let part = 0; part < 100; part += 1) {
    block[part] = part;
    sent.update(block);
    if (!child.stdin.write(Buffer.from(block))) await once(child.stdin, "drain");
  }
  child.stdin.end();
  assert.deepEqual(await once(child, "close"), [0, null]);
  assert.equal(size, 100 << 20);
  assert.equal(got.digest("hex"), sent.digest("hex"));
});

test("attach and exec keep output and errors apart, and feed only whom they were asked to", {
  skip,
}, async () => {
  running("--name", "apart", "-i", "box", "sh", "-c", "read x; echo out $x; echo err $x >&2; exit 4");
  const joined = spawn(lighter, ["attach", "apart"], {
    env: { ...process.env, ...env() },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const streams = { stdout: "", stderr: "" };
  joined.stdout.on("data", (chunk) => (streams.stdout += String(chunk)));
  joined.stderr.on("data", (chunk) => (streams.stderr += String(chunk)));
  joined.stdin.write("word\n");
  assert.deepEqual(await once(joined, "close"), [4, null]);
  assert.deepEqual(streams, { stdout: "out word\n", stderr: "err word\n" });
  remove("apart");
  running("--name", "apart", "box", "sleep", "10000");
  const exec = clone.run(["exec", "-i", "apart", "sh", "-c", "cat; echo err >&2; exit 6"], {
    input: "typed",
  });
  assert.deepEqual({ ...exec }, { status: 6, stdout: "typed", stderr: "err\n" });
  assert.equal(clone.run(["exec", "apart", "cat"], { input: "typed" }).stdout, "", "no -i, no input");
  remove("apart");
});

test("statuses: 125, 126, 127 and the program's", { skip }, () => {
  const run = (...args: readonly string[]) => clone.run(["run", "--rm", "--network", "none", ...args]).status;
  assert.equal(run("--nonsense", "box"), 125);
  assert.equal(run("--cgroupns", "nonsense", "box", "true"), 125);
  assert.equal(run("box", "/bin"), 126);
  assert.equal(run("box", "absent"), 127);
  assert.equal(run("box", "sh", "-c", "exit 42"), 42);
  assert.equal(run("box", "sh", "-c", "kill -KILL $$; exit 3"), 3, "process 1 does not kill itself");
  assert.equal(run("--init", "box", "sh", "-c", "kill -KILL $$"), 137);
  running("--name", "codes", "box", "sleep", "10000");
  const exec = (...args: readonly string[]) => clone.run(["exec", "codes", ...args]).status;
  assert.deepEqual([exec("sh", "-c", "exit 42"), exec("/bin"), exec("absent")], [42, 126, 127]);
  remove("codes");
  assert.equal(clone.run(["exec", "codes", "true"]).status, 1);
});

/** Waits for a word of the output; what comes meanwhile is kept for the next one. */
function listen(child: ChildProcess): (word: string) => Promise<void> {
  let heard = "";
  let look = (): void => {};
  child.stdout?.on("data", (chunk) => {
    heard += String(chunk);
    look();
  });
  return (word) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`waited in vain for ${word} in ${heard}`)), 60_000);
      look = () => {
        const at = heard.indexOf(word);
        if (at < 0) return;
        heard = heard.slice(at + word.length);
        clearTimeout(timer);
        resolve();
      };
      look();
    });
}
