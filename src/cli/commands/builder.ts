import { formatBytes, LighterError } from "#base";
import { parseSize } from "#dockerfile";
import { defineCommand } from "../command.ts";
import { ago } from "../image-words.ts";
import { pruneFilter } from "../prune-filter.ts";
import { formatTable } from "../table.ts";

export const builderPrune = defineCommand({
  name: "builder prune",
  summary: "Remove results of build steps and cache mounts",
  usage: "[OPTIONS]",
  flags: {
    all: {
      kind: "boolean",
      short: "a",
      summary: "Also what images stand on, and cache mounts",
    },
    force: { kind: "boolean", short: "f", summary: "Taken for docker's sake: nothing is asked" },
    filter: {
      kind: "list",
      value: "until=TIME",
      summary: "Only what was not used since a time, or for as long: until=24h, unused-for=24h",
    },
    "keep-storage": {
      kind: "string",
      value: "SIZE",
      summary: "Remove what was not used for longest until what is left is not more than this",
    },
    "max-used-space": { kind: "string", value: "SIZE", summary: "The same as --keep-storage" },
    "reserved-space": { kind: "string", value: "SIZE", summary: "The same as --keep-storage" },
  },
  arity: { min: 0, max: 0 },
  notYet: ["min-free-space"],
  examples: [
    { command: "lighter builder prune", explains: "Remove what no image stands on" },
    {
      command: "lighter builder prune --keep-storage 10GB",
      explains: "Keep 10 GB of what was used last; LIGHTER_BUILD_CACHE_LIMIT=10GB does so with each build",
    },
  ],
  async run({ flags, io, openEngine }) {
    const keep = flags["max-used-space"] ?? flags["reserved-space"] ?? flags["keep-storage"];
    const keepBytes = keep === undefined ? undefined : parseSize(keep);
    if (keep !== undefined && keepBytes === undefined)
      throw new LighterError("USAGE", `cannot keep "${keep}": want a size such as 512MB or 10GB`);
    const isOld = pruneFilter(
      flags.filter.map((word) => word.replace(/^unused-for=/, "until=")),
      io.now(),
      ["until"],
    );
    await using engine = await openEngine();
    const { removed, freedBytes } = await engine.buildCache.prune({
      all: flags.all,
      ...(flags.filter.length > 0 && {
        where: ({ lastUsedMs }: { readonly lastUsedMs: number }) =>
          isOld({ created: new Date(lastUsedMs).toISOString(), labels: {} }),
      }),
      ...(keepBytes !== undefined && { keepBytes }),
    });
    for (const { id, name } of removed) await io.stdout.write(`${id}  ${name}\n`);
    if (freedBytes !== undefined)
      await io.stdout.write(`Total reclaimed space: ${formatBytes(freedBytes)}\n`);
    else
      await io.stderr.write(
        "lighter: the space is given back later: another lighter uses the store now; lighter system prune does it too\n",
      );
    return 0;
  },
});

export const builderDu = defineCommand({
  name: "builder du",
  summary: "Show what the build cache holds and how much of the disk it takes",
  usage: "[OPTIONS]",
  flags: { format: { kind: "string", choices: ["table", "json"], summary: "How to print (default table)" } },
  arity: { min: 0, max: 0 },
  notYet: ["filter", "verbose"],
  examples: [{ command: "lighter builder du", explains: "List results of steps, what was used last first" }],
  async run({ flags, io, openEngine }) {
    await using engine = await openEngine();
    const entries = await engine.buildCache.list();
    if (flags.format === "json") {
      await io.stdout.write(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
      return 0;
    }
    const rows = entries.map((entry) => [
      entry.id,
      entry.isShared ? "false" : "true",
      formatBytes(entry.sizeBytes),
      ago(new Date(entry.lastUsedMs).toISOString(), io.now()),
      entry.name,
    ]);
    const total = entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const free = entries.reduce((sum, entry) => sum + (entry.isShared ? 0 : entry.sizeBytes), 0);
    await io.stdout.write(formatTable(["ID", "RECLAIMABLE", "SIZE", "LAST USED", "STEP"], rows));
    await io.stdout.write(`Reclaimable: ${formatBytes(free)}\nTotal: ${formatBytes(total)}\n`);
    return 0;
  },
});
