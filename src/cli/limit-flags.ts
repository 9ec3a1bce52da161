import { readFileSync } from "node:fs";
import { LighterError, systemErrorCode } from "#base";
import type { ContainerOptions, Limits } from "#container";
import { parseByteSize } from "./byte-size.ts";
import type { Flags, FlagValues } from "./command.ts";
import { keyValues } from "./key-values.ts";

/** Limits of the cgroup; `update` takes them as well. */
export const cgroupFlags = {
  "blkio-weight": { kind: "integer", value: "10..1000", summary: "Share of the disk" },
  "cpu-period": { kind: "integer", value: "MICROSECONDS", summary: "Length of a period of processor time" },
  "cpu-quota": { kind: "integer", value: "MICROSECONDS", summary: "Processor time in each period" },
  "cpu-shares": {
    kind: "integer",
    short: "c",
    value: "SHARES",
    summary: "Weight against others (default 1024)",
  },
  cpus: { kind: "string", value: "NUMBER", summary: "Processors, as 1.5" },
  "cpuset-cpus": { kind: "string", value: "0-3,5", summary: "Processors to run on" },
  "cpuset-mems": { kind: "string", value: "0,1", summary: "Memory nodes to use" },
  memory: { kind: "string", short: "m", value: "SIZE", summary: "Most memory, as 512m" },
  "memory-reservation": {
    kind: "string",
    value: "SIZE",
    summary: "Memory to shrink to when the host runs short",
  },
  "memory-swap": { kind: "string", value: "SIZE", summary: "Most memory and swap together; -1 is no limit" },
  "pids-limit": { kind: "integer", value: "COUNT", summary: "Most processes; -1 is no limit" },
} as const satisfies Flags;

const deviceRates = {
  "device-read-bps": { kind: "list", value: "/dev/x:BYTES", summary: "Most bytes a second read from a disk" },
  "device-read-iops": { kind: "list", value: "/dev/x:COUNT", summary: "Most reads a second from a disk" },
  "device-write-bps": {
    kind: "list",
    value: "/dev/x:BYTES",
    summary: "Most bytes a second written to a disk",
  },
  "device-write-iops": { kind: "list", value: "/dev/x:COUNT", summary: "Most writes a second to a disk" },
  "blkio-weight-device": { kind: "list", value: "/dev/x:10..1000", summary: "Share of one disk" },
} as const satisfies Flags;

/** Limits and privileges of a container. */
export const limitFlags = {
  ...cgroupFlags,
  ...deviceRates,
  annotation: { kind: "list", value: "NAME=VALUE", summary: "Pass an annotation to the runtime" },
  "cap-add": { kind: "list", value: "CAPABILITY", summary: "Add a capability, or ALL" },
  "cap-drop": { kind: "list", value: "CAPABILITY", summary: "Take a capability away, or ALL" },
  "cgroup-parent": {
    kind: "string",
    value: "PATH",
    summary: "Make the container's cgroup below this one (default /lighter)",
  },
  cgroupns: {
    kind: "string",
    value: "host|private",
    summary: "Which cgroups it sees (default private on cgroup v2, host on v1)",
  },
  "device-cgroup-rule": {
    kind: "list",
    value: "'c 13:* rwm'",
    summary: "Let it open devices of these numbers",
  },
  device: { kind: "list", value: "/dev/x[:/dev/y][:rwm]", summary: "Give the container a device" },
  "group-add": { kind: "list", value: "NAME|GID", summary: "Join another group" },
  init: { kind: "boolean", summary: "Start the program under an init that reaps orphans" },
  ipc: {
    kind: "string",
    value: "host|none|private|shareable|container:NAME",
    summary: "Whose System V objects and shared memory it sees",
  },
  "memory-swappiness": { kind: "integer", value: "0..100", summary: "How readily its memory is swapped out" },
  "oom-kill-disable": { kind: "boolean", summary: "Let it wait instead when memory runs out" },
  "oom-score-adj": {
    kind: "integer",
    value: "-1000..1000",
    summary: "How likely the host kills it when memory runs out",
  },
  pid: { kind: "string", value: "host|container:NAME", summary: "Whose processes it sees" },
  privileged: { kind: "boolean", summary: "Every capability and device, nothing hidden: root on the host" },
  "security-opt": {
    kind: "list",
    value: "OPTION",
    summary: "Loosen or tighten: no-new-privileges, seccomp=unconfined, systempaths=unconfined",
  },
  "shm-size": { kind: "string", value: "SIZE", summary: "Size of /dev/shm (default 64m)" },
  sysctl: {
    kind: "list",
    value: "NAME=VALUE",
    summary: "Set a kernel setting of the container's namespaces",
  },
  ulimit: { kind: "list", value: "NAME=SOFT[:HARD]", summary: "Limit of each process, as nofile=1024:2048" },
  userns: {
    kind: "string",
    value: "host|auto",
    summary: "User IDs of its own (auto), so that root in it is not root outside",
  },
  uts: { kind: "string", value: "host", summary: "Use the host's name" },
} as const satisfies Flags;

/** @throws USAGE, ARGUMENT_INVALID */
export function limitOptions(flags: FlagValues<typeof limitFlags>): Partial<ContainerOptions> {
  const limits: Limits = {
    ...cgroupLimits(flags),
    ...present({
      ...deviceLimits(flags),
      memorySwappiness: flags["memory-swappiness"],
      oomScoreAdj: flags["oom-score-adj"],
      // None is docker's way to say the usual size.
      shmBytes: size(flags["shm-size"]) || undefined,
    }),
    ...(flags["oom-kill-disable"] && { oomKillDisable: true }),
    ...(flags.ulimit.length > 0 && { ulimits: flags.ulimit }),
  };
  const lists = {
    capAdd: flags["cap-add"],
    capDrop: flags["cap-drop"],
    devices: flags.device,
    deviceCgroupRules: flags["device-cgroup-rule"],
    groupAdd: flags["group-add"],
    securityOptions: flags["security-opt"].map(withProfile),
  };
  return {
    ...(Object.keys(limits).length > 0 && { limits }),
    ...Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0)),
    ...(flags.annotation.length > 0 && { annotations: keyValues(flags.annotation.map(named)) }),
    ...(flags.sysctl.length > 0 && { sysctls: keyValues(flags.sysctl) }),
    ...(flags.privileged && { privileged: true }),
    ...(flags.init && { init: true }),
    ...present({
      pid: flags.pid,
      ipc: flags.ipc,
      uts: flags.uts,
      userns: flags.userns,
      cgroupParent: flags["cgroup-parent"],
      cgroupns: flags.cgroupns,
    }),
  };
}

function named(word: string): string {
  if (word !== "" && !word.startsWith("=")) return word;
  throw new LighterError("USAGE", `cannot pass annotation "${word}": the name is empty`);
}

/** @throws USAGE */
export function cgroupLimits(flags: FlagValues<typeof cgroupFlags>) {
  return present({
    blkioWeight: flags["blkio-weight"],
    cpuPeriod: flags["cpu-period"],
    cpuQuota: flags["cpu-quota"],
    cpuShares: flags["cpu-shares"],
    nanoCpus: nanoCpus(flags.cpus),
    cpusetCpus: flags["cpuset-cpus"],
    cpusetMems: flags["cpuset-mems"],
    memoryBytes: size(flags.memory),
    memoryReservationBytes: size(flags["memory-reservation"]),
    memorySwapBytes: flags["memory-swap"] === "-1" ? -1 : size(flags["memory-swap"]),
    pidsLimit: flags["pids-limit"],
  });
}

function present<T extends object>(values: T): { readonly [Name in keyof T]?: Exclude<T[Name], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    readonly [Name in keyof T]?: Exclude<T[Name], undefined>;
  };
}

function size(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseByteSize(text);
}

function nanoCpus(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d*\.?\d+$/.test(text)) return Math.round(Number(text) * 1e9) || undefined;
  throw new LighterError("USAGE", `cannot give "${text}" processors: want a number such as 1.5`);
}

function deviceLimits(flags: FlagValues<typeof deviceRates>): Partial<Limits> {
  const count = (text: string): number => (/^\d{1,15}$/.test(text) ? Number(text) : Number.NaN);
  const lists = {
    blkioWeightDevices: flags["blkio-weight-device"].map((text) => deviceRate(text, count)),
    deviceReadBps: flags["device-read-bps"].map((text) => deviceRate(text, parseByteSize)),
    deviceWriteBps: flags["device-write-bps"].map((text) => deviceRate(text, parseByteSize)),
    deviceReadIops: flags["device-read-iops"].map((text) => deviceRate(text, count)),
    deviceWriteIops: flags["device-write-iops"].map((text) => deviceRate(text, count)),
  };
  return Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0));
}

function deviceRate(text: string, read: (value: string) => number): { path: string; rate: number } {
  const colon = text.lastIndexOf(":");
  const rate = colon < 1 ? Number.NaN : read(text.slice(colon + 1));
  if (text.startsWith("/dev/") && rate > 0) return { path: text.slice(0, colon), rate };
  throw new LighterError(
    "ARGUMENT_INVALID",
    `cannot limit "${text}": want /dev/DISK:NUMBER, as /dev/sda:1mb`,
  );
}

/** A profile of system calls is read here, as docker does: the container keeps what stands in it now. @throws ARGUMENT_INVALID */
function withProfile(option: string): string {
  const path = /^seccomp[=:](.*)$/.exec(option)?.[1];
  if (path === undefined || ["unconfined", "builtin"].includes(path) || path.startsWith("{")) return option;
  const text = readProfile(path).trim();
  if (text.startsWith("{")) return `seccomp=${text}`;
  throw new LighterError("ARGUMENT_INVALID", `cannot use "${path}" as a seccomp profile: it is no JSON`);
}

function readProfile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new LighterError(
      "ARGUMENT_INVALID",
      `cannot read the seccomp profile "${path}": ${systemErrorCode(error) ?? String(error)}`,
      { cause: error },
    );
  }
}
