import { defineCommand } from "../command.ts";

export const top = defineCommand({
  name: "top",
  summary: "Show the processes of a container",
  usage: "CONTAINER [PS OPTIONS]",
  flags: {},
  arity: { min: 1, max: Number.POSITIVE_INFINITY },
  argument: "container",
  stopsAtArgument: true,
  examples: [{ command: "lighter top web", explains: "Show what runs in it, with the host's process IDs" }],
  async run({ args, io, openEngine }) {
    const [name = "", ...options] = args;
    const { processTable } = await import("../process-table.ts");
    await using engine = await openEngine();
    await io.stdout.write(processTable(await engine.containers.pids(name), options));
    return 0;
  },
});
