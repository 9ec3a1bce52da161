import { formatDuration } from "#base";
import { type ContainerRecord, isLive } from "#container";
import { defineCommand, type Invocation } from "../command.ts";
import { ago } from "../image-words.ts";
import { formatFlag, jsonLines, parseListFormat } from "../list-format.ts";
import { formatTable } from "../table.ts";

const psFlags = {
  all: { kind: "boolean", short: "a", summary: "Show containers that do not run as well" },
  ...formatFlag,
  "no-trunc": { kind: "boolean", summary: "Print IDs and commands in full" },
  quiet: { kind: "boolean", short: "q", summary: "Print only IDs" },
} as const;

export const ps = defineCommand({
  name: "ps",
  summary: "List containers",
  usage: "[OPTIONS]",
  flags: psFlags,
  arity: { min: 0, max: 0 },
  notYet: ["filter", "-f", "last", "-n", "latest", "-l", "size", "-s"],
  examples: [
    { command: "lighter ps", explains: "Show the containers that run" },
    { command: "lighter ps -a", explains: "Show those that ended and were not removed, too" },
  ],
  run: listContainers,
});

export const containerLs = defineCommand({ ...ps, name: "container ls" });

async function listContainers({ flags, io, openEngine }: Invocation<typeof psFlags>): Promise<number> {
  const format = parseListFormat(flags.format);
  await using engine = await openEngine();
  const all = await engine.containers.list();
  const shown = all
    .filter((container) => flags.all || isLive(container.state))
    .map((container) => row(container, flags["no-trunc"], io.now()));
  if (flags.quiet) await io.stdout.write(shown.map(({ ID }) => `${ID}\n`).join(""));
  else if (format === "json") await io.stdout.write(jsonLines(shown));
  else
    await io.stdout.write(
      formatTable(
        ["CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"],
        shown.map((one) => [
          one.ID,
          one.Image,
          one.Command,
          one.RunningFor,
          one.Status,
          one.Ports,
          one.Names,
        ]),
      ),
    );
  return 0;
}

function row(container: ContainerRecord, isFull: boolean, nowMs: number) {
  const command = container.process.args.join(" ").replace(/[\u0000-\u001f\u007f-\u009f]/g, "?");
  return {
    ID: isFull ? container.id : container.id.slice(0, 12),
    Image: container.image.name,
    Command: `"${isFull || command.length <= 20 ? command : `${command.slice(0, 19)}…`}"`,
    CreatedAt: container.created,
    RunningFor: ago(container.created, nowMs),
    State: container.state.status,
    Status: statusText(container.state, nowMs),
    Ports: portsOf(container).map(portText).join(", "),
    Names: container.name,
  };
}

function portsOf({ network, state }: ContainerRecord): ContainerRecord["network"]["ports"] {
  return state.status === "running" || state.status === "paused" ? (network.published ?? []) : [];
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

function portText(port: ContainerRecord["network"]["ports"][number]): string {
  const target = `${port.containerPort}/${port.protocol}`;
  return port.hostPort === undefined
    ? target
    : `${port.hostAddress ?? "0.0.0.0"}:${port.hostPort}->${target}`;
}
