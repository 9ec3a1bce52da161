import { defineCommand, type Invocation } from "../command.ts";
import { confirm } from "../confirm.ts";
import { pruneFilter } from "../network-filter.ts";

const pruneFlags = {
  filter: { kind: "list", value: "NAME=VALUE", summary: "Only networks that fit: until=24h, label=NAME" },
  force: { kind: "boolean", short: "f", summary: "Do not ask" },
} as const;

export const networkPrune = defineCommand({
  name: "network prune",
  summary: "Remove all networks of yours that no container is on",
  usage: "[OPTIONS]",
  flags: pruneFlags,
  arity: { min: 0, max: 0 },
  examples: [{ command: "lighter network prune -f", explains: "Remove unused networks without asking" }],
  run: prune,
});

async function prune({ flags, io, openEngine }: Invocation<typeof pruneFlags>): Promise<number> {
  const accepts = pruneFilter(flags.filter);
  if (
    !flags.force &&
    !(await confirm(io, "This will remove all custom networks not used by at least one container."))
  )
    return 0;
  await using engine = await openEngine();
  const removed = await engine.networks.prune(accepts);
  if (removed.length > 0)
    await io.stdout.write(`Deleted Networks:\n${removed.map(({ name }) => `${name}\n`).join("")}\n`);
  return 0;
}
