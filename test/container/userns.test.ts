// --userns auto: root in the container is nobody on the host, and its files know nothing of that.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { type Clone, openClone, untilRuns, whyNoMachine } from "../support/cli.ts";
import { leftovers } from "../support/leftovers.ts";

const skip =
  whyNoMachine() ||
  (spawnSync("crun", ["--version"]).status === 0 ? false : "needs crun: runc maps no volumes");
let clone: Clone;
let refusal = "";

before(() => {
  if (skip !== false) return;
  clone = openClone();
  // As a store in /var/lib is: its directories may be passed through.
  for (const folder of [dirname(clone.root), clone.folder]) chmodSync(folder, 0o711);
  const context = join(clone.folder, "context");
  mkdirSync(context);
  copyFileSync(existsSync("/bin/busybox") ? "/bin/busybox" : "/usr/bin/busybox", join(context, "busybox"));
  const install = 'RUN ["/bin/busybox", "sh", "-c", "/bin/busybox --install -s /bin; echo of image > /file"]';
  writeFileSync(join(context, "Dockerfile"), `FROM scratch\nCOPY busybox /bin/busybox\n${install}\n`);
  lighter("build", "-q", "-t", "box", context);
  chmodSync(dirname(clone.root), 0o700);
  refusal = clone.run(["run", "--rm", "--userns", "auto", "box", "true"]).stderr;
  chmodSync(dirname(clone.root), 0o711);
});
after(() => {
  if (clone === undefined) return;
  for (const name of ["one", "two"]) clone.run(["rm", "-f", name]);
  const left = leftovers(clone.root);
  clone[Symbol.dispose]();
  assert.deepEqual(left, []);
});

function lighter(...args: readonly string[]): string {
  const { status, stdout, stderr } = clone.run(args);
  assert.equal(status, 0, `${args.join(" ")}: ${stderr}`);
  return stdout.trim();
}

async function detached(name: string, ...flags: readonly string[]): Promise<number> {
  lighter(
    "run",
    "-d",
    "--name",
    name,
    "--userns",
    "auto",
    "--network",
    "none",
    ...flags,
    "box",
    "sleep",
    "10000",
  );
  return await untilRuns(clone, name, "sleep 10000");
}

test("root is root inside and nobody outside, each container another one", { skip }, async () => {
  const secret = join(clone.folder, "secret");
  writeFileSync(secret, "host", { mode: 0o600 });
  const pid = await detached("one", "-v", "kept:/kept", "-v", `${secret}:/secret`);
  const users = readFileSync(`/proc/${pid}/uid_map`, "utf8").trim().split(/\s+/).map(Number);
  assert.deepEqual([users[0], users[2]], [0, 65_536]);
  assert.ok((users[1] ?? 0) > 65_536);
  assert.equal(statSync(`/proc/${pid}`).uid, users[1], "the process on the host");
  assert.match(
    readFileSync(`/proc/${pid}/status`, "utf8"),
    /^CapEff:\s+0*[1-9a-f]/m,
    "it has rights, over its own",
  );
  const script = [
    "id -u; stat -c %u /file /kept; echo more >> /file; chown 7 /file",
    "touch /kept/mine; stat -c %u /kept/mine",
    "cat /secret || mount -t tmpfs none /mnt || mknod /node c 1 3 || echo refused",
    "echo said > /dev/stdout",
  ].join("\n");
  assert.equal(lighter("exec", "one", "sh", "-c", script), "0\n0\n0\n0\nrefused\nsaid");
  const volume = lighter("volume", "inspect", "-f", "{{.Mountpoint}}", "kept");
  assert.equal(statSync(join(volume, "mine")).uid, 0, "a volume can be had by other containers too");
  const other = await detached("two");
  assert.notEqual(statSync(`/proc/${other}`).uid, users[1]);
});

test("files go in and out with the owners that they have inside", { skip }, () => {
  const file = join(clone.folder, "sent");
  writeFileSync(file, "sent");
  lighter("cp", file, "one:/in");
  lighter("cp", join(clone.folder, "context"), "one:/folder");
  assert.equal(
    lighter("exec", "one", "stat", "-c", "%u %n", "/in", "/folder/busybox"),
    "0 /in\n0 /folder/busybox",
  );
  lighter("cp", "-a", "one:/file", join(clone.folder, "out"));
  assert.equal(statSync(join(clone.folder, "out")).uid, 7);
  assert.match(lighter("diff", "one"), /^C \/file$/m);
  lighter("commit", "one", "changed");
  assert.equal(
    lighter("run", "--rm", "--network", "none", "changed", "stat", "-c", "%u", "/file", "/in"),
    "7\n0",
  );
  lighter("restart", "-t", "0", "one");
  assert.equal(lighter("exec", "one", "cat", "/file"), "of image\nmore");
});

test("what belongs to the host's users is refused", { skip }, () => {
  for (const flags of [["--privileged"], ["--network", "host"], ["--pid", "host"], ["--runtime", "runc"]]) {
    const { status, stderr } = clone.run(["run", "--rm", "--userns", "auto", ...flags, "box", "true"]);
    assert.equal(status, 125, flags.join(" "));
    assert.match(stderr, /with --userns auto: the container has user IDs of its own/);
  }
  assert.match(refusal, /may be entered by its owner only/);
  assert.match(clone.run(["run", "--rm", "--userns", "keep-id", "box", "true"]).stderr, /want host or auto/);
});
