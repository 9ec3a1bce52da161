import { LighterError } from "#base";
import { defineCommand } from "../command.ts";
import { eachContainer } from "../each-container.ts";

export const start = defineCommand({
  name: "start",
  summary: "Start containers that were made or have ended",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  flags: {
    attach: { kind: "boolean", short: "a", summary: "Show the output and end with the program" },
    "detach-keys": { kind: "string", value: "KEYS", summary: "Keys that leave it running" },
    interactive: { kind: "boolean", short: "i", summary: "Send the standard input to the program" },
  },
  arity: { min: 1, max: Number.POSITIVE_INFINITY },
  argument: "container",
  notYet: ["checkpoint", "checkpoint-dir"],
  examples: [
    { command: "lighter start web", explains: "Start a container again" },
    { command: "lighter start -ai job", explains: "Start one and talk to it" },
  ],
  async run({ flags, args, io, openEngine, onSignals }) {
    await using engine = await openEngine();
    if (!flags.attach && !flags.interactive)
      return await eachContainer(args, io, async (name) => void (await engine.containers.start(name)));
    if (args.length > 1)
      throw new LighterError(
        "ARGUMENT_INVALID",
        "cannot join several containers at once: start them without -a and -i",
      );
    const parting = await engine.containers.startAttached(args[0] ?? "", {
      stdio: "inherit",
      input: flags.interactive,
      onSignals,
      ...(flags["detach-keys"] !== undefined && { detachKeys: flags["detach-keys"] }),
    });
    return parting.kind === "exited" ? parting.exitCode : 0;
  },
});
