import { defineCommand, type Invocation } from "../command.ts";
import { formatFlag, jsonLines, parseListFormat } from "../list-format.ts";
import { networkFilter } from "../network-filter.ts";
import { networkRow } from "../network-object.ts";
import { formatTable } from "../table.ts";

const lsFlags = {
  filter: { kind: "list", short: "f", value: "NAME=VALUE", summary: "Show only networks that fit" },
  ...formatFlag,
  "no-trunc": { kind: "boolean", summary: "Print IDs in full" },
  quiet: { kind: "boolean", short: "q", summary: "Print only IDs" },
} as const;

export const networkLs = defineCommand({
  name: "network ls",
  summary: "List networks",
  usage: "[OPTIONS]",
  flags: lsFlags,
  arity: { min: 0, max: 0 },
  examples: [
    { command: "lighter network ls", explains: "Show every network" },
    { command: "lighter network ls -f driver=bridge -q", explains: "Print the IDs of the bridge networks" },
  ],
  run: list,
});

async function list({ flags, io, openEngine }: Invocation<typeof lsFlags>): Promise<number> {
  const format = parseListFormat(flags.format);
  const accepts = networkFilter(flags.filter);
  await using engine = await openEngine();
  const rows = (await engine.networks.list())
    .filter(accepts)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map((network) => networkRow(network, flags["no-trunc"]));
  if (flags.quiet) await io.stdout.write(rows.map(({ ID }) => `${ID}\n`).join(""));
  else if (format === "json") await io.stdout.write(jsonLines(rows));
  else
    await io.stdout.write(
      formatTable(
        ["NETWORK ID", "NAME", "DRIVER", "SCOPE"],
        rows.map(({ ID, Name, Driver, Scope }) => [ID, Name, Driver, Scope]),
      ),
    );
  return 0;
}
