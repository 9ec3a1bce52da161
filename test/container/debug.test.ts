// `lighter debug`: tools beside a target that has none, which stays as it is.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Clone, openClone, untilRuns, whyNoMachine } from "../support/cli.ts";
import { leftovers } from "../support/leftovers.ts";

const skip = whyNoMachine();

function build(clone: Clone, name: string, dockerfile: string): void {
  const context = join(clone.folder, name);
  mkdirSync(context);
  copyFileSync(existsSync("/bin/busybox") ? "/bin/busybox" : "/usr/bin/busybox", join(context, "busybox"));
  writeFileSync(join(context, "Dockerfile"), dockerfile);
  const { status, stderr } = clone.run(["build", "-q", "-t", name, context]);
  assert.equal(status, 0, stderr);
}

test("debug: running, stopped and scratch targets, none of which changes", { skip }, async () => {
  using clone = openClone();
  const install = 'RUN ["/bin/busybox", "sh", "-c", "/bin/busybox --install -s /bin"]';
  build(clone, "tools", `FROM scratch\nCOPY busybox /bin/busybox\n${install}\n`);
  build(clone, "bare", 'FROM scratch\nCOPY busybox /busybox\nCMD ["/busybox", "sleep", "1000"]\n');
  const digest = (): string => {
    const archive = join(clone.folder, "bare.tar");
    assert.equal(clone.run(["export", "-o", archive, "target"]).status, 0);
    return createHash("sha256")
      .update(spawnSync("cat", [archive], { maxBuffer: 1 << 28 }).stdout)
      .digest("hex");
  };
  const debug = (command: string, target: string) =>
    clone.run(["debug", "--tools", "tools", "-c", command, target]);

  assert.equal(clone.run(["run", "-d", "--name", "target", "--network", "none", "bare"]).status, 0);
  await untilRuns(clone, "target", "/busybox sleep 1000");
  assert.notEqual(clone.run(["exec", "target", "sh"]).status, 0, "it has no shell");
  const before = digest();
  const look = "tr '\\0' ' ' < /proc/1/cmdline; ls /proc/1/root; touch /mark; readlink /proc/self/ns/net";
  const live = debug(look, "target");
  assert.match(live.stdout, /^\/busybox sleep 1000 busybox\n/);
  const { stdout: pid } = clone.run(["inspect", "-f", "{{.State.Pid}}", "target"]);
  const namespace = spawnSync("readlink", [`/proc/${pid.trim()}/ns/net`], { encoding: "utf8" }).stdout;
  assert.ok(live.stdout.endsWith(namespace), "it is in the target's network");
  assert.equal(digest(), before);

  assert.equal(clone.run(["stop", "-t", "0", "target"]).status, 0);
  const stopped = debug("ls; touch /target/x", "target");
  assert.match(stopped.stdout, /^busybox\n/m);
  assert.match(stopped.stderr, /Read-only file system/);
  assert.equal(digest(), before);

  const image = debug("ls /target; touch /target/x", "bare");
  assert.equal(image.stdout, "busybox\n");
  assert.match(image.stderr, /Read-only file system/);
  assert.equal(debug("exit 9", "bare").status, 9);
  assert.match(debug("true", "absent").stderr, /cannot find image "absent"/);
  assert.match(
    clone.run(["debug", "--tools", "recipe:absent", "-c", "true", "bare"]).stderr,
    /recipe "absent"/,
  );
  assert.equal(clone.run(["rm", "target"]).status, 0);
  assert.deepEqual(leftovers(clone.root), []);
});
