import { defineCommand } from "../command.ts";
import { eachContainer } from "../each-container.ts";

export const kill = defineCommand({
  name: "kill",
  summary: "Send a signal to containers",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  flags: { signal: { kind: "string", short: "s", value: "SIGNAL", summary: "Which one (default KILL)" } },
  arity: { min: 1, max: Number.POSITIVE_INFINITY },
  argument: "container",
  examples: [{ command: "lighter kill -s HUP web", explains: "Send SIGHUP to a service" }],
  async run({ flags, args, io, openEngine }) {
    await using engine = await openEngine();
    return await eachContainer(
      args,
      io,
      async (name) => void (await engine.containers.kill(name, flags.signal || undefined)),
    );
  },
});
