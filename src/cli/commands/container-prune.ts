import { defineCommand } from "../command.ts";

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
    if (!flags.force && !(await confirm(io, "This will remove all containers that do not run."))) return 1;
    await using engine = await openEngine();
    const removed = await engine.containers.prune(accepts);
    const ids = removed.map(({ id }) => `${id}\n`).join("");
    await io.stdout.write(removed.length === 0 ? "" : `Deleted Containers:\n${ids}`);
    return 0;
  },
});
