import { defineCommand } from "../command.ts";
import { ago } from "../image-words.ts";
import { formatFlag, jsonLines, parseListFormat } from "../list-format.ts";
import { formatTable } from "../table.ts";

export const networkLog = defineCommand({
  name: "network log",
  summary: "Show what egress policies refused",
  usage: "[OPTIONS]",
  flags: formatFlag,
  arity: { min: 0, max: 0 },
  examples: [
    { command: "lighter network log", explains: "Names and addresses that containers tried in vain" },
  ],
  async run({ flags, io, openEngine }) {
    const format = parseListFormat(flags.format);
    await using engine = await openEngine();
    const flows = await engine.networks.refused();
    const names = await engine.networks.refusedNames();
    if (format === "json") {
      await io.stdout.write(jsonLines([...names, ...flows]));
      return 0;
    }
    const rows = [
      ...names.map(({ time, container, name }) => [container, name, "dns", "1", ago(time, io.now())]),
      ...flows.map(({ container, destination, port, protocol, count, lastSeen }) => [
        container,
        port === 0 ? destination : `${destination.includes(":") ? `[${destination}]` : destination}:${port}`,
        protocol,
        String(count),
        ago(lastSeen, io.now()),
      ]),
    ];
    await io.stdout.write(formatTable(["CONTAINER", "DESTINATION", "PROTOCOL", "COUNT", "LAST"], rows));
    return 0;
  },
});
