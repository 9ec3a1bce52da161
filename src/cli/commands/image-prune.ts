import { formatBytes } from "#base";
import { defineCommand, type Invocation } from "../command.ts";
import { familiarName } from "../image-words.ts";

const pruneFlags = {
  all: {
    kind: "boolean",
    short: "a",
    summary: "Remove every image of no container, not only those without a name",
  },
  filter: {
    kind: "list",
    value: "NAME=VALUE",
    summary: "Remove only those that match: until=24h, label=NAME, label!=NAME",
  },
  force: { kind: "boolean", short: "f", summary: "Do not ask" },
} as const;

export const imagePrune = defineCommand({
  name: "image prune",
  summary: "Remove images that nobody needs",
  usage: "[OPTIONS]",
  flags: pruneFlags,
  arity: { min: 0, max: 0 },
  examples: [
    { command: "lighter image prune -f", explains: "Remove what lost its name to a newer build" },
    {
      command: "lighter image prune -a -f --filter until=240h",
      explains: "Remove images of no container that are older than ten days",
    },
  ],
  run: pruneImages,
});

async function pruneImages({ flags, io, openEngine }: Invocation<typeof pruneFlags>): Promise<number> {
  const { confirm } = await import("../confirm.ts");
  const { matchesImage, parseImageFilters, pruneFilterNames } = await import("../image-filters.ts");
  const filters = parseImageFilters(flags.filter, pruneFilterNames);
  const warning = flags.all
    ? "This will remove all images without at least one container associated to them."
    : "This will remove all dangling images.";
  if (!flags.force && !(await confirm(io, warning))) return 0;
  await using engine = await openEngine();
  const scene = { nowMs: io.now(), find: (text: string) => engine.images.get(text) };
  const removals = await engine.images.prune({
    all: flags.all,
    accepts: (image) => matchesImage(image, filters, scene),
  });
  const lines = removals.flatMap(({ untagged, deleted }) => [
    ...untagged.map((name) => `untagged: ${familiarName(name)}\n`),
    ...deleted.map((digest) => `deleted: ${digest}\n`),
  ]);
  const freedBytes = removals.reduce((sum, removal) => sum + (removal.freedBytes ?? 0), 0);
  const list = lines.length === 0 ? "" : `Deleted Images:\n${lines.join("")}\n`;
  await io.stdout.write(`${list}Total reclaimed space: ${formatBytes(freedBytes)}\n`);
  return 0;
}
