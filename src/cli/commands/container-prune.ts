import { formatBytes } from "#base";
import { isLive } from "#container";
import { defineCommand } from "../command.ts";
import type { CliEngine } from "../engine-port.ts";

export const containerPrune = defineCommand({
  name: "container prune",
  summary: "Remove containers that do not run",
  usage: "[OPTIONS]",
  flags: {
    filter: { kind: "list", value: "label=|label!=|until=", summary: "Remove only those that match" },
    force: { kind: "boolean", short: "f", summary: "Do not ask" },
  },
  arity: { min: 0, max: 0 },
  examples: [{ command: "lighter container prune -f", explains: "Remove every container that has ended" }],
  async run({ flags, io, openEngine }) {
    const { confirm } = await import("../confirm.ts");
    const { pruneFilter } = await import("../prune-filter.ts");
    const accepts = pruneFilter(flags.filter, io.now());
    if (!flags.force && !(await confirm(io, "This will remove all containers that do not run."))) return 0;
    await using engine = await openEngine();
    const sizes = await writtenBytes(engine);
    const removed = await engine.containers.prune(accepts);
    const freed = removed.reduce((sum, { id }) => sum + (sizes.get(id) ?? 0), 0);
    const ids = removed.map(({ id }) => `${id}\n`).join("");
    const list = removed.length === 0 ? "" : `Deleted Containers:\n${ids}\n`;
    await io.stdout.write(`${list}Total reclaimed space: ${formatBytes(freed)}\n`);
    return 0;
  },
});

/** What each that does not run wrote: afterwards nobody can tell. */
async function writtenBytes({ containers }: CliEngine): Promise<ReadonlyMap<string, number>> {
  const ended = (await containers.list()).filter(({ state }) => !isLive(state));
  const sizes = ended.map(async ({ id }) => [id, (await containers.size(id)).writtenBytes] as const);
  return new Map(await Promise.all(sizes));
}
