import { formatBytes, LighterError } from "#base";
import { defineCommand, type Invocation } from "../command.ts";
import type { CliEngine } from "../engine-port.ts";

const pruneFlags = {
  all: {
    kind: "boolean",
    short: "a",
    summary: "Also images with a name that no container has, and all of the build cache",
  },
  filter: { kind: "list", value: "label=|label!=|until=", summary: "Remove only those that match" },
  force: { kind: "boolean", short: "f", summary: "Do not ask" },
  volumes: { kind: "boolean", summary: "Also volumes without a name that no container has" },
} as const;

export const systemPrune = defineCommand({
  name: "system prune",
  summary: "Remove containers that do not run, and networks, images and build cache that nothing uses",
  usage: "[OPTIONS]",
  flags: pruneFlags,
  arity: { min: 0, max: 0 },
  examples: [
    { command: "lighter system prune -f", explains: "Give back the space of what is not used" },
    {
      command: "lighter system prune -af --filter until=240h",
      explains: "Everything unused of ten days ago",
    },
  ],
  run: prune,
});

type PruneInvocation = Invocation<typeof pruneFlags>;

async function prune({ flags, io, openEngine }: PruneInvocation): Promise<number> {
  const [{ confirm }, { pruneFilter }] = [await import("../confirm.ts"), await import("../prune-filter.ts")];
  const accepts = pruneFilter(flags.filter, io.now());
  if (flags.volumes && flags.filter.some((word) => word.startsWith("until=")))
    throw new LighterError(
      "ARGUMENT_INVALID",
      "cannot prune volumes by until: they have no such time; leave --volumes out",
    );
  if (!flags.force && !(await confirm(io, warningOf(flags)))) return 0;
  await using engine = await openEngine();
  const removed = await engine.containers.prune(accepts);
  const networks = await engine.networks.prune(accepts);
  const volumes = flags.volumes ? await engine.volumes.prune({ accepts }) : [];
  const images = await pruneImages(engine, flags.all, accepts);
  // The build cache has no labels: with a filter by one it is left alone, as docker does.
  const hasLabels = flags.filter.some((word) => word.startsWith("label"));
  const cache = hasLabels ? undefined : await engine.buildCache.prune({ all: flags.all });
  const collected = await engine.images.collect();
  const lists = {
    Containers: removed.map(({ id }) => id),
    Networks: networks.map(({ name }) => name),
    Volumes: volumes.map(({ name }) => name),
    Images: images,
    "build cache objects": (cache?.removed ?? []).map(({ id }) => id),
  };
  for (const [title, names] of Object.entries(lists))
    if (names.length > 0)
      await io.stdout.write(`Deleted ${title}:\n${names.map((name) => `${name}\n`).join("")}\n`);
  if (collected === undefined) {
    await io.stderr.write(
      "lighter: the space is given back later: another lighter uses the store; try again when it is done\n",
    );
    return 1;
  }
  const freedBytes = collected.freedBytes + (cache?.freedBytes ?? 0);
  await io.stdout.write(`Total reclaimed space: ${formatBytes(freedBytes)}\n`);
  return 0;
}

function warningOf({ all, volumes }: PruneInvocation["flags"]): string {
  const lines = [
    "all containers that do not run",
    "all networks that no container is on",
    ...(volumes ? ["all volumes without a name that no container has"] : []),
    all ? "all images that no container has" : "all images without a name",
    all ? "all build cache" : "build cache that no image stands on",
  ];
  return `This will remove:\n${lines.map((line) => `  - ${line}\n`).join("")}`;
}

async function pruneImages(
  engine: CliEngine,
  all: boolean,
  accepts: (thing: { created: string; labels: Readonly<Record<string, string>> }) => boolean,
): Promise<readonly string[]> {
  const used = new Set((await engine.containers.list()).map(({ image }) => image.id));
  const unused = engine.images
    .list()
    .filter(({ id, names }) => !used.has(id) && (all || names.length === 0))
    .filter(({ config }) =>
      accepts({ created: config.created ?? "1970-01-01T00:00:00Z", labels: config.config?.Labels ?? {} }),
    );
  for (const { id } of unused) await engine.images.remove(id, { force: true });
  return unused.flatMap(({ id, names }) => [...names.map((name) => `untagged: ${name}`), `deleted: ${id}`]);
}
