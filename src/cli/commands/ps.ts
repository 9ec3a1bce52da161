import { formatBytes, formatDuration } from "#base";
import { type ContainerRecord, isLive } from "#container";
import { defineCommand, type Invocation } from "../command.ts";
import { matchesContainer, parseContainerFilters } from "../container-filters.ts";
import { imageIds, imageText } from "../container-images.ts";
import { portsOf, portsText } from "../container-ports.ts";
import { ago } from "../image-words.ts";

const psFlags = {
  all: { kind: "boolean", short: "a", summary: "Show containers that do not run as well" },
  filter: {
    kind: "list",
    short: "f",
    value: "NAME=VALUE",
    summary:
      "Show only those that match: id, name, label, status, exited, health, ancestor, network, volume, before, since, publish",
  },
  format: {
    kind: "string",
    value: "table|json|TEMPLATE",
    summary: "How to print: a table, one JSON object a line, or a Go template",
  },
  last: { kind: "integer", short: "n", value: "COUNT", summary: "Show the newest, whatever they do" },
  latest: { kind: "boolean", short: "l", summary: "Show the newest one" },
  "no-trunc": { kind: "boolean", summary: "Print IDs and commands in full" },
  quiet: { kind: "boolean", short: "q", summary: "Print only IDs" },
  size: { kind: "boolean", short: "s", summary: "Show how much each wrote, and with its image" },
} as const;

export const ps = defineCommand({
  name: "ps",
  summary: "List containers",
  usage: "[OPTIONS]",
  flags: psFlags,
  arity: { min: 0, max: 0 },
  examples: [
    { command: "lighter ps", explains: "Show the containers that run" },
    { command: "lighter ps -a", explains: "Show those that ended and were not removed, too" },
    {
      command: "lighter ps --filter health=unhealthy --format '{{.Names}}: {{.Status}}'",
      explains: "Print the names of sick ones",
    },
  ],
  run: listContainers,
});

export const containerLs = defineCommand({ ...ps, name: "container ls" });

const columns = [
  ["CONTAINER ID", "ID"],
  ["IMAGE", "Image"],
  ["COMMAND", "Command"],
  ["CREATED", "RunningFor"],
  ["STATUS", "Status"],
  ["PORTS", "Ports"],
  ["NAMES", "Names"],
] as const;

const raw = `container_id: {{.ID}}
image: {{.Image}}
command: {{.Command}}
created_at: {{.CreatedAt}}
state: {{- pad .State 1 0}}
status: {{- pad .Status 1 0}}
names: {{.Names}}
labels: {{- pad .Labels 1 0}}
ports: {{- pad .Ports 1 0}}
`;

async function listContainers({ flags, io, openEngine }: Invocation<typeof psFlags>): Promise<number> {
  const filters = parseContainerFilters(flags.filter);
  const { printRows } = await import("../format/print-rows.ts");
  await using engine = await openEngine();
  const all = await engine.containers.list();
  const idOf = imageIds(engine.images);
  const most = flags.last ?? (flags.latest ? 1 : -1);
  // A filter by status shows those that do not run, as docker's does.
  const showsAll = flags.all || most > 0 || filters.some(({ name }) => name === "status");
  const shown = all
    .filter((container) => showsAll || isLive(container.state))
    .filter((container) => matchesContainer(container, filters, { all, idOf }))
    .slice(0, most > 0 ? most : undefined);
  const sizes = flags.size || /\.Size|json \.\s*\}/.test(flags.format ?? "");
  const rows = await Promise.all(
    shown.map(async (container) => ({
      ...containerRow(container, flags["no-trunc"], io.now()),
      ...(flags.quiet ? {} : { Image: imageText(container, { isFull: flags["no-trunc"], idOf }) }),
      Size: sizes && !flags.quiet ? sizeText(await engine.containers.size(container.id)) : "0B",
    })),
  );
  const print = (listed: typeof rows): string =>
    printRows(
      {
        rows: listed,
        columns: flags.size ? [...columns, ["SIZE", "Size"]] : columns,
        titles: { State: "STATE" },
        raw: flags.size ? `${raw}size: {{.Size}}\n` : raw,
      },
      flags.format,
    );
  // Docker tries the template before it asks for containers: a wrong one fails where there are none.
  if (rows.length === 0 && !flags.quiet) print([blankRow]);
  const text = flags.quiet ? rows.map(({ ID }) => `${ID}\n`).join("") : print(rows);
  await io.stdout.write(text);
  return 0;
}

const blankRow: ReturnType<typeof containerRow> & { readonly Size: string } = {
  Command: "",
  CreatedAt: "",
  ID: "",
  Image: "",
  Label: () => "",
  Labels: "",
  LocalVolumes: "0",
  Mounts: "",
  Names: "",
  Networks: "",
  Platform: null,
  Ports: "",
  RunningFor: "",
  Size: "",
  State: "created",
  Status: "",
};

/** A container as a row of `ps`, by docker's names. */
export function containerRow(container: ContainerRecord, isFull: boolean, nowMs: number) {
  const [program = "", ...rest] = container.process.args;
  const words = [program, ...rest.map((word) => (word.includes(" ") ? `'${word}'` : word))];
  const command = words.join(" ");
  const volumes = container.mounts.filter((mount) => mount.type === "volume");
  return {
    Command: goQuote(isFull || command.length <= 20 ? command : `${command.slice(0, 19)}…`),
    CreatedAt: `${container.created.slice(0, 19).replace("T", " ")} +0000 UTC`,
    ID: isFull ? container.id : container.id.slice(0, 12),
    Image: container.image.name,
    Label: (name: unknown) => container.labels[String(name)] ?? "",
    Labels: Object.entries(container.labels)
      .map(([name, value]) => `${name}=${value}`)
      .join(","),
    LocalVolumes: String(volumes.length),
    Mounts: container.mounts
      .filter(({ type }) => type !== "tmpfs")
      .map((mount) => mountText(mount, isFull))
      .join(","),
    Names: container.name,
    Networks: networksOf(container).join(","),
    Platform: null,
    Ports: portsText(portsOf(container)),
    RunningFor: ago(container.created, nowMs),
    State: container.state.status,
    Status: statusText(container.state, nowMs),
  };
}

/** As Go quotes a text. */
function goQuote(text: string): string {
  const named: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };
  const quoted = text
    .replace(/["\\]/g, "\\$&")
    .replace(
      /[\u0000-\u001f\u007f-\u009f]/g,
      (letter) => named[letter] ?? `\\x${letter.charCodeAt(0).toString(16).padStart(2, "0")}`,
    );
  return `"${quoted}"`;
}

function sizeText(size: { readonly writtenBytes: number; readonly totalBytes: number }): string {
  return `${formatBytes(size.writtenBytes)} (virtual ${formatBytes(size.totalBytes)})`;
}

function mountText(mount: ContainerRecord["mounts"][number], isFull: boolean): string {
  const text = mount.type === "volume" ? (mount.name ?? "") : mount.type === "bind" ? mount.source : "";
  return isFull || text.length <= 15 ? text : `${text.slice(0, 14)}…`;
}

function networksOf({ network }: ContainerRecord): readonly string[] {
  const joined = (network.endpoints ?? []).map((endpoint) => endpoint.network);
  if (joined.length > 0) return joined;
  return network.name.startsWith("container:") ? [] : [network.name];
}

function statusText(state: ContainerRecord["state"], nowMs: number): string {
  switch (state.status) {
    case "created":
      return "Created";
    case "running":
      return `Up ${upTime(state, nowMs)}${healthText(state)}`;
    case "paused":
      return `Up ${upTime(state, nowMs)} (Paused)`;
    case "restarting":
      return `Restarting (${state.exitCode}) ${ago(state.finishedAt, nowMs)}`;
    case "exited":
      return `Exited (${state.exitCode}) ${ago(state.finishedAt, nowMs)}`;
  }
}

function upTime({ startedAt }: ContainerRecord["state"], nowMs: number): string {
  return formatDuration(Math.max(0, nowMs - Date.parse(startedAt ?? "")));
}

function healthText({ health }: ContainerRecord["state"]): string {
  if (health === undefined) return "";
  return health.status === "starting" ? " (health: starting)" : ` (${health.status})`;
}
