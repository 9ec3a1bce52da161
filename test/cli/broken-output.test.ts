// What a command that follows a program does when nobody takes the program's output.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openClone, whyNoMachine } from "../support/cli.ts";

const skip = whyNoMachine();

test("run and exec end without a word when their reader has gone, and say that a disk is full; the container goes on", {
  skip,
}, () => {
  using clone = openClone();
  copyFileSync(
    existsSync("/bin/busybox") ? "/bin/busybox" : "/usr/bin/busybox",
    join(clone.folder, "busybox"),
  );
  writeFileSync(join(clone.folder, "Dockerfile"), "FROM scratch\nCOPY busybox /bin/busybox\n");
  const built = clone.run(["build", "-q", "-t", "loud", clone.folder]);
  assert.equal(built.status, 0, built.stderr);
  const shell = (script: string) =>
    spawnSync("bash", ["-c", script], {
      encoding: "utf8",
      env: { ...process.env, LIGHTER_ROOT: clone.root },
    });
  // More than any pipe holds, and an end: the container goes on, and its log with it.
  const loud =
    '/bin/busybox sh -c "/bin/busybox yes | /bin/busybox head -c 9000000; /bin/busybox sleep 1000"';
  try {
    const run = shell(
      `bin/lighter run --name loud --log-driver none --network none loud ${loud} | head -1; echo "\${PIPESTATUS[0]}"`,
    );
    assert.deepEqual([run.stdout, run.stderr], ["y\n141\n", ""]);
    const exec = shell(`bin/lighter exec -t loud ${loud} | head -1; echo "\${PIPESTATUS[0]}"`);
    assert.deepEqual([exec.stdout.replace("\r", ""), exec.stderr], ["y\n141\n", ""]);
    assert.equal(clone.run(["ps", "--format", "{{.Names}}"]).stdout, "loud\n");
    const full = shell("bin/lighter run --name lost --network none loud /bin/busybox echo lost >/dev/full");
    assert.match(full.stderr, /^lighter: cannot write to standard output: ENOSPC: [^\n]*\n$/);
    assert.equal(full.status, 125);
  } finally {
    clone.run(["rm", "-f", "loud", "lost"]);
  }
});
