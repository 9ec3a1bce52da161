// A shell where a RUN failed, driven as a person would: on a pseudo terminal.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openClone, whyNoMachine } from "../support/cli.ts";
import { leftovers } from "../support/leftovers.ts";

const skip = whyNoMachine() || (spawnSync("script", ["--version"]).status !== 0 && "needs script (bsdutils)");

/** Runs the build on a terminal of its own and types `keys` when the shell is announced. */
async function failing(
  root: string,
  context: string,
  keys: string,
): Promise<{ readonly status: number | null; readonly output: string }> {
  const lighter = join(process.cwd(), "bin/lighter");
  const command = `"${lighter}" build --progress plain --secret id=s,env=SECRET --on-error shell "${context}"`;
  const child = spawn("script", ["-qefc", command, "/dev/null"], {
    env: { ...process.env, LIGHTER_ROOT: root, SECRET: "value" },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let output = "";
  let isTyped = false;
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
    if (isTyped || !/exit ends the build[^]*# /.test(output)) return;
    isTyped = true;
    child.stdin.write(keys);
  });
  const status = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { status, output: output.replaceAll("\r", "") };
}

test("a shell in the failed step has its files, mounts, variables and directory", { skip }, async () => {
  using clone = openClone();
  const context = join(clone.folder, "context");
  mkdirSync(context);
  copyFileSync("/bin/busybox", join(context, "busybox"));
  writeFileSync(
    join(context, "Dockerfile"),
    `FROM scratch
COPY busybox /bin/busybox
COPY busybox /bin/sh
WORKDIR /work
ENV NAME=there
RUN --mount=type=cache,target=/c --mount=type=secret,id=s \\
    busybox echo kept >file && busybox touch /c/made && busybox false
`,
  );
  const { status, output } = await failing(
    clone.root,
    context,
    'busybox echo "=$(busybox pwd)=$(busybox cat file)=$NAME=$(busybox ls /c)=$(busybox cat /run/secrets/s)="; exit 7\n',
  );
  assert.equal(status, 1, output);
  assert.match(output, /^=\/work=kept=there=made=value=$/m);
  const [, failure = ""] = output.split("exit 7\n");
  assert.match(
    failure,
    /did not complete successfully: exit code: 1\n.*Dockerfile:6\n[^]*> 6 \| RUN --mount/,
  );
  assert.deepEqual(leftovers(clone.root), []);
  const { stdout } = clone.run(["images", "-q"]);
  assert.equal(stdout, "");
});

test("without a terminal there is no shell, and nothing is built", { skip }, () => {
  using clone = openClone();
  const { status, stderr } = clone.run(["build", "--on-error", "shell", "-"], { input: "FROM scratch\n" });
  assert.equal(status, 125);
  assert.match(stderr, /cannot open a shell when a step fails: .* are no terminal/);
});
