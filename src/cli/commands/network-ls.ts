import { defineCommand, type Invocation } from "../command.ts";
import { networkFilter } from "../network-filter.ts";
import { networkRow } from "../network-object.ts";

const lsFlags = {
  filter: { kind: "list", short: "f", value: "NAME=VALUE", summary: "Show only networks that fit" },
  format: {
    kind: "string",
    value: "table|json|TEMPLATE",
    summary: "How to print: a table, one JSON object a line, or a Go template",
  },
  "no-trunc": { kind: "boolean", summary: "Print IDs in full" },
  quiet: { kind: "boolean", short: "q", summary: "Print only IDs" },
} as const;

const columns = [
  ["NETWORK ID", "ID"],
  ["NAME", "Name"],
  ["DRIVER", "Driver"],
  ["SCOPE", "Scope"],
] as const;

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

const raw = "network_id: {{.ID}}\nname: {{.Name}}\ndriver: {{.Driver}}\nscope: {{.Scope}}\n";

async function list({ flags, io, openEngine }: Invocation<typeof lsFlags>): Promise<number> {
  const accepts = networkFilter(flags.filter);
  const { printRows } = await import("../format/print-rows.ts");
  await using engine = await openEngine();
  const rows = (await engine.networks.list())
    .filter(accepts)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map((network) => networkRow(network, flags["no-trunc"]));
  await io.stdout.write(
    flags.quiet && (flags.format ?? "table") === "table"
      ? rows.map(({ ID }) => `${ID}\n`).join("")
      : printRows({ rows, columns, raw }, flags.format),
  );
  return 0;
}
