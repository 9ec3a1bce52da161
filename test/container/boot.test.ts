// `system resume` after a boot: every process is killed, the networks of the kernel and the run directory are gone.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Lab, missing } from "../network/lab.ts";
import { type Clone, openClone, whyNoMachine } from "../support/cli.ts";
import { leftovers } from "../support/leftovers.ts";

const skip = whyNoMachine() || missing() || false;

/** Ids of all processes of the store, whose name is in their arguments. */
function processesOf(root: string): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => read(`/proc/${pid}/cmdline`).includes(root))
    .map(Number);
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It went with another one.
  }
}

async function powerCut(clone: Clone, pids: readonly number[]): Promise<void> {
  const all = [...processesOf(clone.root), ...pids];
  for (const pid of all) kill(pid);
  const isGone = (pid: number): boolean => read(`/proc/${pid}/cmdline`) === "";
  for (const deadline = Date.now() + 60_000; !all.every(isGone); await delay(20))
    assert.ok(Date.now() < deadline, "they do not die");
  rmSync(join(clone.root, "run"), { recursive: true, force: true });
}

test("networks, addresses and published ports come back", { skip }, async () => {
  using clone = openClone();
  const lighter = (...args: readonly string[]): string => {
    const { status, stdout, stderr } = clone.run(args);
    assert.equal(status, 0, `${args.join(" ")}: ${stderr}`);
    return stdout.trim();
  };
  const { folder } = clone;
  copyFileSync(existsSync("/bin/busybox") ? "/bin/busybox" : "/usr/bin/busybox", join(folder, "busybox"));
  const lines = [
    "FROM scratch",
    "COPY busybox /bin/busybox",
    'RUN ["/bin/busybox", "sh", "-c", "/bin/busybox --install -s /bin; echo welcome > /index.html"]',
    'CMD ["httpd", "-f", "-p", "80", "-h", "/"]',
  ];
  writeFileSync(join(folder, "Dockerfile"), `${lines.join("\n")}\n`);
  try {
    await using before = new Lab();
    void before;
    lighter("build", "-q", "-t", "box", ".");
    lighter("network", "create", "--subnet", "10.9.0.0/24", "front");
    const always = ["run", "-d", "--restart", "always", "--network", "front"];
    lighter(...always, "--name", "web", "--ip", "10.9.0.9", "-p", "8080:80", "box");
    lighter(...always, "--name", "asks", "--init", "box", "sleep", "10000");
    lighter("run", "-d", "--name", "once", "box", "sleep", "10000");
    const pids = lighter("inspect", "-f", "{{.State.Pid}}", "web", "asks", "once").split("\n").map(Number);
    await powerCut(clone, pids);
  } catch (error) {
    for (const pid of processesOf(clone.root)) kill(pid);
    throw error;
  }
  await using after = new Lab();
  void after;
  try {
    assert.deepEqual(lighter("system", "resume").split("\n").sort(), ["asks", "web"]);
    assert.equal(
      lighter("inspect", "-f", "{{.NetworkSettings.Networks.front.IPAddress}}", "web"),
      "10.9.0.9",
    );
    assert.match(lighter("port", "web"), /^80\/tcp -> 0\.0\.0\.0:8080/);
    // A container that runs may still be about to listen.
    let outside = "";
    for (const deadline = Date.now() + 60_000; outside !== "welcome\n"; await delay(100)) {
      assert.ok(Date.now() < deadline, `it answers ${JSON.stringify(outside)}`);
      const { stdout, stderr } = spawnSync("busybox", ["wget", "-qO-", "http://127.0.0.1:8080/"], {
        encoding: "utf8",
      });
      outside = stdout + stderr;
    }
    assert.equal(lighter("exec", "asks", "wget", "-qO-", "http://web/"), "welcome");
    assert.equal(lighter("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "once"), "exited 137");
    assert.equal(lighter("system", "resume"), "", "what runs is left alone");
  } finally {
    clone.run(["rm", "-f", "web", "asks", "once"]);
    clone.run(["network", "rm", "front"]);
  }
  assert.deepEqual(leftovers(clone.root), []);
});
