import { defineCommand } from "../command.ts";

export const attach = defineCommand({
  name: "attach",
  summary: "Join the input and output of a running container",
  usage: "[OPTIONS] CONTAINER",
  flags: {
    "detach-keys": {
      kind: "string",
      value: "KEYS",
      summary: "Keys that leave it running (default ctrl-p,ctrl-q)",
    },
    "no-stdin": { kind: "boolean", summary: "Do not send the standard input" },
    "sig-proxy": { kind: "boolean", on: true, summary: "Pass signals on to the program" },
  },
  arity: { min: 1, max: 1 },
  argument: "container",
  examples: [{ command: "lighter attach web", explains: "See what a service prints from now on" }],
  async run({ flags, args, openEngine, onSignals, signal }) {
    await using engine = await openEngine();
    const parting = await engine.containers.attach(args[0] ?? "", {
      stdio: "inherit",
      noStdin: flags["no-stdin"],
      ...(flags["sig-proxy"] ? { onSignals } : { leave: signal }),
      ...(flags["detach-keys"] !== undefined && { detachKeys: flags["detach-keys"] }),
    });
    return parting.kind === "exited" ? parting.exitCode : 0;
  },
});
