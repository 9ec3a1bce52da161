import { formatBytes } from "#base";
import { isLive } from "#container";
import { defineCommand, type Invocation } from "../command.ts";
import type { CliEngine } from "../engine-port.ts";
import { ago, familiarName } from "../image-words.ts";
import { formatTable } from "../table.ts";
import { volumeLabels } from "../volume-object.ts";

const dfFlags = {
  format: { kind: "string", value: "table|json|TEMPLATE", summary: "How to print" },
  verbose: { kind: "boolean", short: "v", summary: "Show each image, container, volume and build result" },
} as const;

export const systemDf = defineCommand({
  name: "system df",
  summary: "Show how much of the disk images, containers, volumes and the build cache take",
  usage: "[OPTIONS]",
  flags: dfFlags,
  arity: { min: 0, max: 0 },
  examples: [{ command: "lighter system df -v", explains: "Find what takes the space" }],
  run: showUsage,
});

const columns = [
  ["TYPE", "Type"],
  ["TOTAL", "TotalCount"],
  ["ACTIVE", "Active"],
  ["SIZE", "Size"],
  ["RECLAIMABLE", "Reclaimable"],
] as const;

async function showUsage({ flags, io, openEngine }: Invocation<typeof dfFlags>): Promise<number> {
  const { printRows } = await import("../format/print-rows.ts");
  await using engine = await openEngine();
  const usage = await measure(engine);
  if (flags.verbose) {
    const isTable = flags.format === undefined || flags.format === "" || flags.format === "table";
    await io.stdout.write(
      isTable ? details(usage, io.now()) : await formatted(usage, flags.format ?? "", engine.root, io.now()),
    );
    return 0;
  }
  const rows = [
    imagesRow(usage.images),
    row("Containers", usage.containers, (container) => container.isLive),
    row("Local Volumes", usage.volumes, (volume) => volume.users > 0),
    row("Build Cache", usage.cache, (entry) => entry.isShared),
    packagesRow(usage.packages),
  ];
  await io.stdout.write(printRows({ rows, columns }, flags.format));
  return 0;
}

interface Sized {
  readonly sizeBytes: number;
}

/** What takes space in a store. */
export type Usage = Awaited<ReturnType<typeof measure>>;

async function measure(engine: CliEngine) {
  const records = await engine.containers.list();
  const images = engine.images.list().map((image) => ({
    id: image.id,
    name: image.names[0] === undefined ? "<none>" : familiarName(image.names[0]),
    created: image.config.created ?? "",
    sizeBytes: image.sizeBytes,
    layers: image.layers,
    users: records.filter((record) => record.image.id === image.id).length,
  }));
  const containers = await Promise.all(
    records.map(async (record) => ({
      record,
      isLive: isLive(record.state),
      sizeBytes: (await engine.containers.size(record.id)).writtenBytes,
    })),
  );
  const volumes = await Promise.all(
    (await engine.volumes.list()).map(async (volume) => ({
      name: volume.name,
      labels: volumeLabels(volume),
      sizeBytes: await engine.volumes.size(volume.name),
      users: records.filter(({ mounts }) =>
        mounts.some((mount) => mount.type === "volume" && mount.name === volume.name),
      ).length,
    })),
  );
  const cache = await engine.buildCache.list();
  return { images, containers, volumes, cache, packages: await engine.recipes.cacheUsage() };
}

/** One object of docker's four lists, for a template. */
async function formatted(usage: Usage, format: string, root: string, nowMs: number): Promise<string> {
  const [{ usageObject }, { printObject }] = [
    await import("../usage-object.ts"),
    await import("../format/print-objects.ts"),
  ];
  // Docker ends it without a line of its own.
  return printObject(usageObject(usage, root, nowMs), format).trimEnd();
}

/** Kept for later assemblies; `recipe prune` gives all of it back. */
function packagesRow({ packages, sizeBytes }: Usage["packages"]) {
  return {
    ...row("Debian Packages", [{ sizeBytes }], () => false),
    TotalCount: String(packages),
  };
}

/** A layer that several images have takes its space once, and is free with the last of them. */
function imagesRow(images: Usage["images"]) {
  const isUsed = ({ users }: Usage["images"][number]): boolean => users > 0;
  const bytesOf = (list: Usage["images"]): number =>
    sum([...new Map(list.flatMap(({ layers }) => layers).map((one) => [one.diffId, one])).values()]);
  const [total, used] = [bytesOf(images), bytesOf(images.filter(isUsed))];
  return {
    ...row("Images", images, isUsed),
    ...space(total, total - used),
  };
}

function row<T extends Sized>(Type: string, things: readonly T[], isActive: (thing: T) => boolean) {
  return {
    Active: String(things.filter(isActive).length),
    ...space(sum(things), sum(things.filter((thing) => !isActive(thing)))),
    TotalCount: String(things.length),
    Type,
  };
}

function sum(things: readonly Sized[]): number {
  return things.reduce((all, { sizeBytes }) => all + sizeBytes, 0);
}

function space(total: number, free: number): { readonly Reclaimable: string; readonly Size: string } {
  const percent = total === 0 ? "" : ` (${Math.floor((free / total) * 100)}%)`;
  return { Reclaimable: `${formatBytes(free)}${percent}`, Size: formatBytes(total) };
}

function details(usage: Usage, nowMs: number): string {
  const { images, containers, volumes, cache } = usage;
  const tables: readonly (readonly [string, readonly string[], readonly (readonly string[])[]])[] = [
    [
      "Images",
      ["REPOSITORY:TAG", "IMAGE ID", "CREATED", "SIZE", "CONTAINERS"],
      images.map(({ name, id, created, sizeBytes, users }) => [
        name,
        id.replace("sha256:", "").slice(0, 12),
        ago(created, nowMs),
        formatBytes(sizeBytes),
        String(users),
      ]),
    ],
    [
      "Containers",
      ["CONTAINER ID", "IMAGE", "STATUS", "SIZE", "NAMES"],
      containers.map(({ record, sizeBytes }) => [
        record.id.slice(0, 12),
        record.image.name,
        record.state.status,
        formatBytes(sizeBytes),
        record.name,
      ]),
    ],
    [
      "Local Volumes",
      ["VOLUME NAME", "LINKS", "SIZE"],
      volumes.map(({ name, users, sizeBytes }) => [name, String(users), formatBytes(sizeBytes)]),
    ],
    [
      "Build cache",
      ["CACHE ID", "SIZE", "LAST USED", "SHARED", "STEP"],
      cache.map((entry) => [
        entry.id,
        formatBytes(entry.sizeBytes),
        ago(new Date(entry.lastUsedMs).toISOString(), nowMs),
        String(entry.isShared),
        entry.name,
      ]),
    ],
  ];
  return tables
    .map(([title, head, body]) => `${title} space usage:\n\n${formatTable(head, body)}`)
    .join("\n");
}
