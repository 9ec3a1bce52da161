import { formatBytes, isLighterError, LighterError } from "#base";
import { defineCommand } from "../command.ts";
import { eachContainer } from "../each-container.ts";
import { keyValues } from "../key-values.ts";
import { volumeLabels } from "../volume-object.ts";

export const volumeCreate = defineCommand({
  name: "volume create",
  summary: "Make a volume",
  usage: "[OPTIONS] [VOLUME]",
  flags: {
    driver: {
      kind: "string",
      short: "d",
      value: "local",
      choices: ["local"],
      summary: "The only one there is",
    },
    label: { kind: "list", value: "NAME=VALUE", summary: "Add a label" },
    opt: {
      kind: "list",
      short: "o",
      value: "type=none|device=PATH|o=bind",
      summary: "Let a directory of the host be the volume (all three)",
    },
  },
  arity: { min: 0, max: 1 },
  examples: [
    { command: "lighter volume create data", explains: "Make a place for data that outlives containers" },
    {
      command: "lighter volume create -o type=none -o o=bind -o device=/srv/music music",
      explains: "Give a directory of the host a volume's name",
    },
  ],
  async run({ flags, args, io, openEngine }) {
    await using engine = await openEngine();
    const isAnonymous = args[0] === undefined;
    const { name } = await engine.volumes.create(args[0], {
      labels: keyValues(flags.label),
      options: keyValues(flags.opt),
      isAnonymous,
    });
    await io.stdout.write(`${name}\n`);
    return 0;
  },
});

export const volumeLs = defineCommand({
  name: "volume ls",
  summary: "List volumes",
  usage: "[OPTIONS]",
  flags: {
    filter: {
      kind: "list",
      short: "f",
      value: "name=|label=|dangling=",
      summary: "Show only those that match",
    },
    format: { kind: "string", value: "table|json|TEMPLATE", summary: "How to print" },
    quiet: { kind: "boolean", short: "q", summary: "Print only names" },
  },
  arity: { min: 0, max: 0 },
  examples: [{ command: "lighter volume ls", explains: "Show every volume" }],
  async run({ flags, io, openEngine }) {
    const { printRows } = await import("../format/print-rows.ts");
    const { matchesFilters, parseFilters } = await import("../filters.ts");
    const filters = parseFilters(flags.filter, ["name", "label", "dangling", "driver"]);
    const wrong = filters.find(({ name, value }) => name === "dangling" && !/^(true|false|1|0)$/.test(value));
    if (wrong !== undefined)
      throw new LighterError(
        "ARGUMENT_INVALID",
        `cannot filter by "dangling=${wrong.value}": want true or false`,
      );
    await using engine = await openEngine();
    const used = new Set(
      (await engine.containers.list()).flatMap(({ mounts }) =>
        mounts.map((mount) => (mount.type === "volume" ? mount.name : undefined)),
      ),
    );
    const rows = (await engine.volumes.list())
      .filter((volume) =>
        matchesFilters(filters, ({ name, value }) => {
          if (name === "name") return volume.name.includes(value);
          if (name === "dangling") return used.has(volume.name) !== (value === "true" || value === "1");
          if (name === "driver") return value === "local";
          return hasLabel(volumeLabels(volume), value);
        }),
      )
      .map((volume) => ({ name: volume.name, labels: volumeLabels(volume) }))
      .map(({ name, labels }) => ({
        Availability: "N/A",
        Driver: "local",
        Group: "N/A",
        Label: (label: unknown) => labels[String(label)] ?? "",
        Labels: Object.entries(labels)
          .map(([key, value]) => `${key}=${value}`)
          .join(","),
        Links: "N/A",
        Mountpoint: `${engine.root}/volumes/${name}/_data`,
        Name: name,
        Scope: "local",
        Size: "N/A",
        Status: "N/A",
      }));
    const text = flags.quiet
      ? rows.map(({ Name }) => `${Name}\n`).join("")
      : printRows(
          {
            rows,
            columns: [
              ["DRIVER", "Driver"],
              ["VOLUME NAME", "Name"],
            ],
            raw: "name: {{.Name}}\ndriver: {{.Driver}}\n",
          },
          flags.format,
        );
    await io.stdout.write(text);
    return 0;
  },
});

function hasLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const equals = wanted.indexOf("=");
  const name = equals < 0 ? wanted : wanted.slice(0, equals);
  return Object.hasOwn(labels, name) && (equals < 0 || labels[name] === wanted.slice(equals + 1));
}

export const volumeRm = defineCommand({
  name: "volume rm",
  summary: "Remove volumes and what is in them",
  usage: "[OPTIONS] VOLUME [VOLUME...]",
  flags: { force: { kind: "boolean", short: "f", summary: "Ignore absent ones" } },
  arity: { min: 1, max: Number.POSITIVE_INFINITY },
  argument: "volume",
  examples: [{ command: "lighter volume rm data", explains: "Remove a volume that no container has" }],
  async run({ flags, args, io, openEngine }) {
    await using engine = await openEngine();
    return await eachContainer(args, io, async (name) => {
      try {
        await engine.volumes.remove(name);
      } catch (error) {
        // Docker names what was not there as well.
        if (!flags.force || !isLighterError(error, "VOLUME_NOT_FOUND")) throw error;
      }
    });
  },
});

export const volumePrune = defineCommand({
  name: "volume prune",
  summary: "Remove volumes that no container has",
  usage: "[OPTIONS]",
  flags: {
    all: { kind: "boolean", short: "a", summary: "Those with a name, too" },
    filter: { kind: "list", value: "label=|label!=|all=", summary: "Remove only those that match" },
    force: { kind: "boolean", short: "f", summary: "Do not ask" },
  },
  arity: { min: 0, max: 0 },
  examples: [
    { command: "lighter volume prune -f", explains: "Remove what containers without a name for it left" },
  ],
  async run({ flags, io, openEngine }) {
    const { confirm } = await import("../confirm.ts");
    const { pruneFilter } = await import("../prune-filter.ts");
    const ofAll = flags.filter.filter((word) => word.startsWith("all="));
    const accepts = pruneFilter(
      flags.filter.filter((word) => !ofAll.includes(word)),
      io.now(),
      ["label", "label!"],
    );
    const all = flags.all || isWanted(ofAll);
    const which = all ? "all volumes" : "all volumes without a name";
    if (!flags.force && !(await confirm(io, `This will remove ${which} that no container has.`))) return 0;
    await using engine = await openEngine();
    const sizes = new Map<string, number>();
    for (const { name } of await engine.volumes.list()) sizes.set(name, await engine.volumes.size(name));
    const removed = await engine.volumes.prune({ all, accepts });
    const freed = removed.reduce((sum, { name }) => sum + (sizes.get(name) ?? 0), 0);
    const names = removed.map(({ name }) => `${name}\n`).join("");
    const list = removed.length === 0 ? "" : `Deleted Volumes:\n${names}\n`;
    await io.stdout.write(`${list}Total reclaimed space: ${formatBytes(freed)}\n`);
    return 0;
  },
});

/** Whether the words `all=` ask for those with a name. @throws ARGUMENT_INVALID */
function isWanted(words: readonly string[]): boolean {
  const wrong = words.find((word) => !/^all=(true|false|1|0)$/.test(word));
  if (wrong !== undefined)
    throw new LighterError("ARGUMENT_INVALID", `cannot filter by "${wrong}": want true or false`);
  return words.some((word) => /=(true|1)$/.test(word));
}
