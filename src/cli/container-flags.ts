import { LighterError } from "#base";
import type { ContainerOptions, HealthSettings, StreamName } from "#container";
import type { RunOptions } from "#engine";
import type { Flags, FlagValues, Invocation } from "./command.ts";
import { parseDurationMs } from "./duration.ts";
import { givenEnv, platformOf, readEnvFile } from "./env-flags.ts";
import { keyValues, readKeyValueFile } from "./key-values.ts";
import { limitFlags, limitOptions } from "./limit-flags.ts";
import { logOptions } from "./log-flags.ts";
import { networkingFlags, networkingOptions } from "./networking-flags.ts";
import { parsePublish } from "./publish-flag.ts";
import { pullFlags } from "./with-image.ts";

/** What `run` and `create` share. */
export const containerFlags = {
  ...limitFlags,
  "add-host": { kind: "list", value: "HOST:IP", summary: "Add a line to /etc/hosts of the container" },
  attach: {
    kind: "list",
    short: "a",
    value: "stdin|stdout|stderr",
    choices: ["stdin", "stdout", "stderr", "STDIN", "STDOUT", "STDERR"],
    summary: "Join only these streams",
  },
  cidfile: { kind: "string", value: "FILE", summary: "Write the container's ID to a file" },
  entrypoint: { kind: "string", value: "PROGRAM", summary: "Start this program instead of the image's" },
  env: {
    kind: "list",
    short: "e",
    value: "NAME[=VALUE]",
    summary: "Set a variable; without a value it is passed on",
  },
  "env-file": { kind: "list", value: "FILE", summary: "Read variables from a file" },
  expose: { kind: "list", value: "PORT[/udp]", summary: "Tell of a port without publishing it" },
  "health-cmd": {
    kind: "string",
    value: "COMMAND",
    summary: "Find out health by running this in the container",
  },
  "health-http": {
    kind: "string",
    value: "PORT[/PATH]",
    summary: "Find out health by asking a web server for a page; needs no shell",
  },
  "health-interval": { kind: "string", value: "DURATION", summary: "Time between two checks (default 30s)" },
  "health-retries": {
    kind: "integer",
    value: "COUNT",
    summary: "Failures in a row that mean unhealthy (default 3)",
  },
  "health-start-interval": {
    kind: "string",
    value: "DURATION",
    summary: "Time between two checks in the start period (default 5s)",
  },
  "health-start-period": {
    kind: "string",
    value: "DURATION",
    summary: "Time in which failures do not count",
  },
  "health-tcp": {
    kind: "string",
    value: "PORT",
    summary: "Find out health by connecting to a port; needs no shell",
  },
  "health-timeout": { kind: "string", value: "DURATION", summary: "Longest time of one check (default 30s)" },
  domainname: { kind: "string", value: "NAME", summary: "Domain that the container belongs to (NIS)" },
  hostname: { kind: "string", short: "h", value: "NAME", summary: "Host name of the container" },
  interactive: { kind: "boolean", short: "i", summary: "Keep the standard input open" },
  isolation: {
    kind: "string",
    value: "default",
    choices: ["default"],
    summary: "For Windows; here there is the default alone",
  },
  label: { kind: "list", short: "l", value: "NAME=VALUE", summary: "Add a label to the container" },
  "label-file": { kind: "list", value: "FILE", summary: "Read labels from a file" },
  "log-driver": { kind: "string", value: "json-file|local|none", summary: "Where the output is kept" },
  "log-opt": {
    kind: "list",
    value: "max-size=SIZE|max-file=COUNT|labels=|env=",
    summary: "When the log begins a new file",
  },
  mount: {
    kind: "list",
    value: "type=…,source=…,target=…",
    summary: "Mount a directory, a volume or a tmpfs",
  },
  name: { kind: "string", value: "NAME", summary: "Name of the container" },
  network: {
    kind: "list",
    value: "NAME",
    summary: "Network to join (default bridge); again for a second one, or name=NAME,ip=ADDRESS,alias=NAME",
    formerly: ["net"],
  },
  ...networkingFlags,
  ...pullFlags,
  "no-healthcheck": { kind: "boolean", summary: "Do without the image's health check" },
  platform: {
    kind: "string",
    value: "OS/ARCHITECTURE",
    summary: "Use the image for this platform, which the host or an emulator has to run",
  },
  publish: {
    kind: "list",
    short: "p",
    value: "[IP:][HOST:]PORT[/udp]",
    summary: "Make a port of the container reachable on the host",
  },
  "publish-all": {
    kind: "boolean",
    short: "P",
    summary: "Publish every exposed port at a free one of the host",
  },
  "read-only": { kind: "boolean", summary: "Mount the root file system read-only" },
  restart: {
    kind: "string",
    value: "no|always|on-failure[:COUNT]|unless-stopped",
    summary: "Start the program again when it ends",
  },
  rm: { kind: "boolean", summary: "Remove the container when it ends" },
  runtime: { kind: "string", value: "crun|runc", summary: "Start it with this runtime" },
  "stop-signal": { kind: "string", value: "SIGNAL", summary: "Signal that asks the program to end" },
  "stop-timeout": { kind: "integer", value: "SECONDS", summary: "Time until a stop kills (default 10)" },
  tmpfs: { kind: "list", value: "PATH[:OPTIONS]", summary: "Mount a file system in memory" },
  tty: { kind: "boolean", short: "t", summary: "Give the program a terminal" },
  user: { kind: "string", short: "u", value: "NAME|UID[:GROUP|GID]", summary: "User the program runs as" },
  volume: {
    kind: "list",
    short: "v",
    value: "[SOURCE:]TARGET[:ro]",
    summary: "Mount a directory of the host, or a volume",
  },
  "volume-driver": {
    kind: "string",
    choices: ["local"],
    summary: "Taken for docker's sake: there is no driver but local",
  },
  "volumes-from": {
    kind: "list",
    value: "CONTAINER[:ro]",
    summary: "Mount what another container has mounted",
  },
  workdir: { kind: "string", short: "w", value: "DIRECTORY", summary: "Directory the program starts in" },
} as const satisfies Flags;

/** Docker's flags of `run` and `create` that lighter will not have, and why; docs/docker-flags.md says it as well. */
export const refusedContainerFlags = {
  "cpu-rt-period": "realtime groups are gone from cgroup v2 and from most kernels",
  "cpu-rt-runtime": "realtime groups are gone from cgroup v2 and from most kernels",
  "disable-content-trust": "Notary v1, which it switches off, is gone",
  gpus: "it needs a vendor's runtime; give the container the device files with --device, as --device /dev/dri",
  "kernel-memory": "it is deprecated in the kernel and in docker; use --memory",
  "storage-opt": "the writable layer has no quota; docker takes it over XFS with project quotas alone",
} as const;

/** Those that will come. */
export const plannedContainerFlags = ["use-api-socket"];

type ContainerInvocation = Pick<Invocation<typeof containerFlags>, "flags" | "args" | "io">;

/** The options that the flags ask for. @throws USAGE, ARGUMENT_INVALID, PORT_INVALID */
export function containerOptions({ flags: given, args, io }: ContainerInvocation): RunOptions {
  const flags = withoutEmptyWords(given);
  const [image = "", ...rest] = args;
  const env = [
    ...flags["env-file"].flatMap((path) => readEnvFile(path, io.env)),
    ...givenEnv(flags.env, io.env),
  ];
  const health = healthOptions(flags);
  return {
    image,
    remove: flags.rm,
    interactive: flags.interactive,
    tty: flags.tty,
    readOnly: flags["read-only"],
    publishAll: flags["publish-all"],
    ...(rest.length > 0 && { args: rest }),
    ...(env.length > 0 && { env }),
    ...(flags.publish.length > 0 && { ports: flags.publish.flatMap((text) => parsePublish(text)) }),
    // An empty entrypoint takes the image's away, as docker's --entrypoint "" does.
    ...(flags.entrypoint !== undefined && { entrypoint: flags.entrypoint === "" ? [] : [flags.entrypoint] }),
    ...(flags.restart !== undefined && { restart: parseRestart(flags.restart) }),
    ...(health !== undefined && { health }),
    ...networkingOptions(flags),
    ...listOptions(flags),
    ...plainOptions(flags),
    ...platformOf(flags.platform, io.env),
    ...(flags.attach.length > 0 && { attach: flags.attach.map(streamName) }),
    ...logOptions(flags["log-driver"], flags["log-opt"]),
    ...limitOptions(flags),
  };
}

/** Those of which docker takes an empty word, as of a variable of a script that is not set, for none. */
const emptiable = [
  "cgroup-parent",
  "cgroupns",
  "cpuset-cpus",
  "cpuset-mems",
  "health-cmd",
  "ip",
  "ip6",
  "log-driver",
  "mac-address",
  "memory",
  "memory-reservation",
  "memory-swap",
  "restart",
  "runtime",
  "stop-signal",
  "workdir",
] as const satisfies readonly (keyof typeof containerFlags)[];

function withoutEmptyWords(flags: FlagValues<typeof containerFlags>): FlagValues<typeof containerFlags> {
  const empty = emptiable.filter((name) => flags[name] === "");
  return { ...flags, ...Object.fromEntries(empty.map((name) => [name, undefined])) };
}

function streamName(text: string): StreamName {
  const name = text.toLowerCase();
  return name === "stdin" || name === "stderr" ? name : "stdout";
}

function listOptions(flags: FlagValues<typeof containerFlags>): Partial<ContainerOptions> {
  const nameless = flags.label.find((text) => text === "" || text.startsWith("="));
  if (nameless !== undefined)
    throw new LighterError("USAGE", `cannot set label "${nameless}": the name is empty`);
  const labels = keyValues([...flags["label-file"].flatMap(readKeyValueFile), ...flags.label]);
  const lists = {
    volumes: flags.volume,
    mounts: flags.mount,
    tmpfs: flags.tmpfs,
    expose: flags.expose,
    extraHosts: flags["add-host"],
    volumesFrom: flags["volumes-from"],
  };
  const given = Object.entries(lists).filter(([, list]) => list.length > 0);
  return { ...Object.fromEntries(given), ...(Object.keys(labels).length > 0 && { labels }) };
}

function plainOptions(flags: FlagValues<typeof containerFlags>): Partial<ContainerOptions> {
  const plain = {
    // Docker shows names with a slash before them, and takes them so.
    name: flags.name?.replace(/^\//, "") || undefined,
    domainname: flags.domainname,
    hostname: flags.hostname,
    runtime: flags.runtime,
    user: flags.user,
    workdir: flags.workdir,
    stopSignal: flags["stop-signal"],
    stopTimeoutSeconds: flags["stop-timeout"],
  };
  return Object.fromEntries(Object.entries(plain).filter(([, value]) => value !== undefined));
}

/** `on-failure:3`. @throws ARGUMENT_INVALID */
export function parseRestart(text: string): NonNullable<ContainerOptions["restart"]> {
  const match = /^(no|always|unless-stopped|on-failure)(?::(\d{1,9}))?$/.exec(text);
  const name = match?.[1];
  if (
    (name === "no" || name === "always" || name === "unless-stopped" || name === "on-failure") &&
    (name === "on-failure" || Number(match?.[2] ?? 0) === 0)
  )
    return { name, maximumRetryCount: Number(match?.[2] ?? 0) };
  throw new LighterError(
    "ARGUMENT_INVALID",
    `cannot use restart policy "${text}": want no, always, on-failure[:COUNT] or unless-stopped`,
  );
}

function healthOptions(flags: FlagValues<typeof containerFlags>): ContainerOptions["health"] {
  const command = flags["health-cmd"];
  const probe = probeOf(flags);
  if (flags["no-healthcheck"]) {
    if (command === undefined && probe === undefined) return "none";
    throw new LighterError("USAGE", "cannot check health and not check it: leave --no-healthcheck out");
  }
  if (command !== undefined && probe !== undefined)
    throw new LighterError(
      "USAGE",
      "cannot check health in two ways: use one of --health-cmd, -http and -tcp",
    );
  const durations = {
    Interval: flags["health-interval"],
    Timeout: flags["health-timeout"],
    StartPeriod: flags["health-start-period"],
    StartInterval: flags["health-start-interval"],
  };
  const given = Object.entries(durations).flatMap(([name, text]) =>
    text === undefined ? [] : [[name, healthDuration(text)] as const],
  );
  const retries = flags["health-retries"];
  if (retries !== undefined && retries < 0)
    throw new LighterError("USAGE", "cannot take back health checks: --health-retries is negative");
  const settings: HealthSettings = {
    ...Object.fromEntries(given),
    ...(retries !== undefined && { Retries: retries }),
    ...(command !== undefined && { Test: ["CMD-SHELL", command] }),
    ...(probe !== undefined && { probe }),
  };
  return Object.keys(settings).length === 0 ? undefined : settings;
}

/** In nanoseconds. @throws USAGE */
function healthDuration(text: string): number {
  const milliseconds = parseDurationMs(text);
  if (milliseconds === 0 || milliseconds >= 1) return milliseconds * 1_000_000;
  throw new LighterError("USAGE", `cannot check health by "${text}": want a millisecond or more`);
}

function probeOf(flags: FlagValues<typeof containerFlags>): HealthSettings["probe"] {
  const { "health-http": http, "health-tcp": tcp } = flags;
  if (http !== undefined && tcp !== undefined)
    throw new LighterError(
      "USAGE",
      "cannot check health in two ways: use one of --health-http and --health-tcp",
    );
  const text = http ?? tcp;
  if (text === undefined) return undefined;
  const match = /^(\d{1,5})(\/\S*)?$/.exec(text);
  const port = Number(match?.[1]);
  if (match === null || port < 1 || port > 65_535 || (tcp !== undefined && match[2] !== undefined))
    throw new LighterError(
      "ARGUMENT_INVALID",
      `cannot probe "${text}": want PORT${http === undefined ? "" : "[/PATH]"}`,
    );
  return { kind: http === undefined ? "tcp" : "http", port, path: match[2] ?? "/" };
}
