import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { dirname } from "node:path";
import { after, before, describe, test } from "node:test";
import { buildSpec, claimContainer, type Runtime, readSpecFacts } from "#runtime";
import { type Lab, openLab, unusable } from "./machine.ts";

const noScript = spawnSync("script", ["--version"]).status !== 0 && "needs script (bsdutils)";

/** Runs a container on the streams of this process, which is what `lighter run -it` does. */
async function becomeCommand(name: Runtime["name"], place: string, script: string): Promise<void> {
  const lab = await openLab(name, place);
  const id = `terminal-${process.pid}`;
  using claim = claimContainer(lab.host, lab.runDirectory, id);
  const options = { id, rootfs: lab.rootfs, args: ["sh", "-c", script], hostname: "box", terminal: true };
  const spec = buildSpec(options, readSpecFacts(lab.host));
  const status = await lab.runtime.run({ id, bundle: claim.bundle, spec, stdio: { kind: "inherit" } });
  process.exitCode = status;
}

interface Session {
  readonly status: number | null;
  readonly output: string;
}

/** Starts this file again in a pseudo terminal of 40 rows and 100 columns, and types when `awaited` appears. */
async function onTerminal(
  name: string,
  place: string,
  script: string,
  typed = { awaited: "", keys: "" },
): Promise<Session> {
  const command = `stty rows 40 cols 100; exec "${process.execPath}" "${process.argv[1]}"`;
  const child = spawn("script", ["-qefc", command, "/dev/null"], {
    env: { ...process.env, LIGHTER_TEST_TERMINAL: JSON.stringify([name, place, script]) },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    const wasThere = output.includes(typed.awaited);
    output += chunk.toString();
    if (typed.awaited !== "" && !wasThere && output.includes(typed.awaited)) child.stdin.write(typed.keys);
  });
  const status = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { status, output: output.replaceAll("\r", "") };
}

function defineTests(name: Runtime["name"]): void {
  let lab: Lab;
  let place: string;
  before(async () => {
    lab = await openLab(name);
    place = dirname(lab.runDirectory);
  });
  after(() => lab[Symbol.dispose]());

  test("a terminal of its own, as large as the caller's", async () => {
    const { status, output } = await onTerminal(
      name,
      place,
      "stty size; echo $TERM; ls -l /proc/self/fd/0; exit 5",
    );
    assert.equal(status, 5);
    assert.match(output, /40 100\nxterm\n/);
    assert.match(output, /0 -> \/dev\/(pts\/0|console)/);
  });

  test("keys reach the program, Ctrl-C as a signal from its own terminal", async () => {
    const script = "trap 'echo interrupted; exit 9' INT; echo ready; while :; do sleep 0.05; done";
    const { status, output } = await onTerminal(name, place, script, { awaited: "ready", keys: "\u0003" });
    assert.match(output, /interrupted/);
    assert.equal(status, 9);
  });
}

const command = process.env["LIGHTER_TEST_TERMINAL"];
if (command !== undefined) {
  const [name, place, script] = JSON.parse(command);
  await becomeCommand(name, place, script);
} else {
  for (const name of ["crun", "runc"] as const)
    describe(name, { skip: unusable(name) || noScript }, () => defineTests(name));
}
