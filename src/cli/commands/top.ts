import { defineCommand } from "../command.ts";

/** Docker's columns are this wide at least. */
const leastWidth = 20;

export const top = defineCommand({
  name: "top",
  summary: "Show the processes of a container",
  usage: "CONTAINER [PS OPTIONS]",
  flags: {},
  arity: { min: 1, max: Number.POSITIVE_INFINITY },
  argument: "container",
  stopsAtArgument: true,
  examples: [
    { command: "lighter top web", explains: "Show what runs in it, with the host's process IDs" },
    { command: "lighter top web -o pid,rss,args", explains: "Show other columns, by the host's ps" },
  ],
  async run({ args, io, openEngine }) {
    const [name = "", ...options] = args;
    await using engine = await openEngine();
    if (options.length > 0 && options.join(" ") !== "-ef") {
      const { formatTable } = await import("../table.ts");
      const [head = [], ...rows] = await engine.containers.processes(name, options);
      await io.stdout.write(formatTable(head, rows, leastWidth));
      return 0;
    }
    const { processTable } = await import("../process-table.ts");
    await io.stdout.write(processTable(await engine.containers.pids(name)));
    return 0;
  },
});
