import { existsSync, lstatSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { LighterError } from "#base";
import {
  allCapabilities,
  canLimitSwap,
  defaultCapabilities,
  findMonitor,
  type SpecDevice,
  type SpecOptions,
  type SpecProcess,
  specResources,
} from "#runtime";
import type { ContainerRecord } from "./container-record.ts";
import { isLive } from "./container-record.ts";
import { parseDeviceRule, resourceLimits } from "./device-limits.ts";
import type { Parts } from "./parts.ts";

type Settings = Partial<SpecOptions>;

/** Where `--init` is found in the container, as docker names it. */
export const initPath = "/sbin/docker-init";

/** Limits, privileges and namespaces of a container in the runtime's words. @throws CONTAINER_INVALID, CONTAINER_NOT_RUNNING */
export function specSettings(parts: Parts, record: ContainerRecord): Settings {
  const { limits, security, sysctls, annotations } = record;
  return {
    privileged: security.privileged,
    ...capabilities(record),
    ...securityOptions(security.options),
    resources: specResources(resourceLimits(limits), canLimitSwap(parts.host)),
    deviceRules: (record.deviceCgroupRules ?? []).map(parseDeviceRule),
    devices: security.privileged ? hostDevices() : record.devices.flatMap(parseDevice),
    sysctls:
      record.domainname === undefined ? sysctls : { "kernel.domainname": record.domainname, ...sysctls },
    annotations,
    ...(limits.shmBytes === undefined ? {} : { shmBytes: limits.shmBytes }),
    ...(limits.oomScoreAdj === undefined ? {} : { oomScoreAdj: limits.oomScoreAdj }),
    ...rlimits(parts, limits.ulimits ?? []),
    ...(record.cgroupParent === undefined ? {} : { cgroupParent: record.cgroupParent }),
    ...namespaces(parts, record),
  };
}

/** The arguments and the mount of `--init`. */
export function withInit(record: ContainerRecord, args: readonly string[]): readonly string[] {
  return record.init ? [initPath, "--", ...args] : args;
}

export function initMounts(record: ContainerRecord): SpecOptions["mounts"] {
  if (!record.init) return [];
  return [{ destination: initPath, type: "bind", source: findMonitor(), options: ["bind", "ro"] }];
}

function capabilities({ security }: ContainerRecord): Settings {
  const { capAdd, capDrop, privileged } = security;
  if (capAdd.length + capDrop.length === 0) return privileged ? { capabilities: grantable() } : {};
  const [added, dropped] = [capAdd.map(capability), capDrop.map(capability)];
  const from = privileged || added.includes("ALL") ? allCapabilities : defaultCapabilities;
  const kept = dropped.includes("ALL") ? [] : from.filter((name) => !dropped.includes(name));
  const named = added.filter((name) => name !== "ALL");
  const all = added.includes("ALL") && dropped.includes("ALL") ? allCapabilities : kept;
  const ours = grantable();
  // One that this process lacks it cannot give; asked for by name, the runtime says so.
  return { capabilities: [...new Set([...all.filter((name) => ours.includes(name)), ...named])] };
}

/** What this process may give: its bounding set. */
export function grantable(): readonly string[] {
  const mask = statusMask("CapBnd");
  return allCapabilities.filter((_, number) => (mask >> BigInt(number)) & 1n);
}

function statusMask(name: string): bigint {
  const text = readFileSync("/proc/self/status", "latin1");
  return BigInt(`0x${new RegExp(`^${name}:\\s*([0-9a-f]+)`, "m").exec(text)?.[1] ?? "0"}`);
}

function capability(text: string): string {
  const name = text.toUpperCase();
  if (name === "ALL") return name;
  const full = name.startsWith("CAP_") ? name : `CAP_${name}`;
  if (allCapabilities.includes(full)) return full;
  throw new LighterError(
    "CONTAINER_INVALID",
    `cannot use capability "${text}": the kernel has none of that name`,
  );
}

interface SecuritySettings {
  noNewPrivileges?: boolean;
  isUnconfined?: boolean;
  isUnmasked?: boolean;
  seccompProfile?: string;
  apparmorProfile?: string;
}

/** Docker's words, each `NAME=VALUE` or, as long ago, `NAME:VALUE`. @throws CONTAINER_INVALID, KERNEL_UNSUPPORTED */
export function securityOptions(options: readonly string[]): Settings {
  const settings: SecuritySettings = {};
  for (const option of options) {
    const [, name = "", value = ""] = /^([a-z-]+)(?:[=:]([^]*))?$/.exec(option) ?? [];
    readSecurityOption(settings, { option, name, value });
  }
  return settings;
}

function readSecurityOption(
  settings: SecuritySettings,
  { option, name, value }: { readonly option: string; readonly name: string; readonly value: string },
): void {
  const isLifted = value === "unconfined" || value === "disable";
  switch (name) {
    case "no-new-privileges":
      if (!["", "true", "false"].includes(value)) break;
      settings.noNewPrivileges = value !== "false";
      return;
    case "seccomp":
      if (value === "unconfined") settings.isUnconfined = true;
      else if (value.startsWith("{")) settings.seccompProfile = value;
      else if (value !== "builtin") break;
      return;
    case "systempaths":
      if (value !== "unconfined") break;
      settings.isUnmasked = true;
      return;
    case "apparmor":
      if (!isLifted) settings.apparmorProfile = loadedProfile(value);
      return;
    case "label":
      if (!isLifted) break;
      return;
  }
  throw new LighterError(
    "CONTAINER_INVALID",
    `cannot use security option "${option.slice(0, 80)}": want no-new-privileges, seccomp=FILE, seccomp=unconfined, apparmor=PROFILE or systempaths=unconfined`,
  );
}

function loadedProfile(name: string): string {
  if (!existsSync("/sys/module/apparmor") || read("/sys/module/apparmor/parameters/enabled").trim() !== "Y")
    throw new LighterError(
      "KERNEL_UNSUPPORTED",
      `cannot use security option "apparmor=${name}": this host has no AppArmor, so nothing would hold the container to it; leave it out`,
    );
  return name;
}

function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

/** `/dev/x[:/dev/y][:rwm]`; a directory of the host stands for the devices in it. */
function parseDevice(text: string): readonly SpecDevice[] {
  const [source = "", second = "", third] = text.split(":");
  if (text.split(":").includes(""))
    throw new LighterError(
      "CONTAINER_INVALID",
      `cannot use device "${text}": a part between colons is empty`,
    );
  const access = third ?? (/^[rwm]{1,3}$/.test(second) ? second : "rwm");
  const target = second === "" || /^[rwm]{1,3}$/.test(second) ? source : second;
  const stat = statSync(source, { throwIfNoEntry: false });
  const isDevice = stat?.isCharacterDevice() === true || stat?.isBlockDevice() === true;
  if (!target.startsWith("/"))
    throw new LighterError(
      "CONTAINER_INVALID",
      `cannot use device "${text}": "${target}" in the container is no absolute path`,
    );
  if (!/^[rwm]{1,3}$/.test(access) || stat === undefined || !(isDevice || stat.isDirectory()))
    throw new LighterError(
      "CONTAINER_INVALID",
      `cannot use device "${text}": "${source}" is no device of this host`,
    );
  if (stat.isDirectory()) return devicesIn(source).map((device) => ({ ...device, access }));
  return [{ ...deviceAt(source), path: target, access }];
}

/** What docker gives a privileged container: every device of the host. */
function hostDevices(): readonly SpecDevice[] {
  return devicesIn("/dev");
}

const runtimesOwn = new Set(["pts", "shm", "fd", "mqueue", "console", ".lxc", ".udev"]);

function devicesIn(folder: string): readonly SpecDevice[] {
  return readdirSync(folder).flatMap((name): readonly SpecDevice[] => {
    const path = join(folder, name);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined || (folder === "/dev" && runtimesOwn.has(name))) return [];
    if (stat.isDirectory()) return devicesIn(path);
    return stat.isCharacterDevice() || stat.isBlockDevice() ? [deviceAt(path)] : [];
  });
}

function deviceAt(path: string): SpecDevice {
  const { rdev, mode, uid, gid } = statSync(path);
  const isBlock = (mode & 0o170000) === 0o060000;
  const major = ((rdev >> 8) & 0xfff) >>> 0;
  const minor = ((rdev & 0xff) | ((rdev >> 12) & 0xfff00)) >>> 0;
  return { path, type: isBlock ? "b" : "c", major, minor, fileMode: mode & 0o7777, uid, gid, access: "rwm" };
}

const rlimitNames =
  /^(as|core|cpu|data|fsize|locks|memlock|msgqueue|nice|nofile|nproc|rss|rtprio|rttime|sigpending|stack)$/;

/** A limit above our own hard one needs a privilege that we may lack: it is lowered, and that is said. */
function rlimits({ onWarning }: Parts, texts: readonly string[]): Pick<SpecOptions, "rlimits"> {
  if (texts.length === 0) return {};
  const own = readOwnLimits();
  const asked = texts.map((text): NonNullable<SpecProcess["rlimits"]>[number] => {
    const match = /^([a-z]+)=(-1|\d+)(?::(-1|\d+))?$/.exec(text);
    const name = match?.[1] ?? "";
    if (match === null || !rlimitNames.test(name))
      throw new LighterError(
        "CONTAINER_INVALID",
        `cannot use ulimit "${text}": want NAME=SOFT[:HARD], as nofile=1024:2048`,
      );
    const type = `RLIMIT_${name.toUpperCase()}`;
    const [soft, hard] = [limitOf(match[2] ?? ""), limitOf(match[3] ?? match[2] ?? "")];
    const most = own.get(type) ?? Number.POSITIVE_INFINITY;
    if (hard > most)
      onWarning?.(
        `ulimit ${name} is lowered from ${match[3] ?? match[2]} to ${most}: this process may not raise it`,
      );
    return { type, soft: Math.min(soft, most), hard: Math.min(hard, most) };
  });
  // The later of two words for one limit holds.
  return { rlimits: [...new Map(asked.map((limit) => [limit.type, limit])).values()] };
}

const unlimited = 2 ** 53 - 1;

function limitOf(text: string): number {
  return text === "-1" ? unlimited : Number(text);
}

/** Hard limits of this process when it may not raise them; empty when it may. */
function readOwnLimits(): ReadonlyMap<string, number> {
  const CAP_SYS_RESOURCE = 24n;
  if ((statusMask("CapEff") >> CAP_SYS_RESOURCE) & 1n) return new Map();
  const names: Readonly<Record<string, string>> = {
    "Max open files": "NOFILE",
    "Max processes": "NPROC",
    "Max locked memory": "MEMLOCK",
    "Max core file size": "CORE",
    "Max stack size": "STACK",
    "Max file size": "FSIZE",
    "Max address space": "AS",
    "Max cpu time": "CPU",
    "Max data size": "DATA",
    "Max nice priority": "NICE",
    "Max realtime priority": "RTPRIO",
    "Max pending signals": "SIGPENDING",
    "Max msgqueue size": "MSGQUEUE",
  };
  const rows = readFileSync("/proc/self/limits", "latin1").split("\n");
  return new Map(
    rows.flatMap((row): [string, number][] => {
      const name = names[row.slice(0, 26).trim()];
      const hard = row.slice(47, 68).trim();
      return name === undefined || hard === "unlimited" ? [] : [[`RLIMIT_${name}`, Number(hard)]];
    }),
  );
}

const namespaceWords = {
  pid: "host or container:NAME",
  ipc: "host, none, private, shareable or container:NAME",
  uts: "host",
} as const;

/** `host`, or another container's namespace by the path of its first process. */
function namespaces(parts: Parts, record: ContainerRecord): Settings {
  const of = (kind: "pid" | "ipc" | "uts"): Settings => {
    const text = record.namespaces[kind];
    if (text === "" || text === "private" || text === "shareable") return {};
    if (text === "host") return { [kind]: "host", ...(kind === "ipc" ? { shm: "host" } : {}) };
    if (kind === "ipc" && text === "none") return { shm: "none" };
    const other = /^container:(.+)$/.exec(text)?.[1];
    if (other === undefined || kind === "uts")
      throw new LighterError(
        "CONTAINER_INVALID",
        `cannot use --${kind} "${text}": want ${namespaceWords[kind]}`,
      );
    const joined = parts.store.get(other);
    if (!isLive(joined.state))
      throw new LighterError(
        "CONTAINER_NOT_RUNNING",
        `cannot join container "${other}": it is ${joined.state.status}; start it first`,
      );
    return { [kind]: `/proc/${joined.state.pid}/ns/${kind}` };
  };
  const { cgroup } = record.namespaces;
  const ofCgroup: Settings = cgroup === "host" || cgroup === "private" ? { cgroup } : {};
  return { ...of("pid"), ...of("ipc"), ...of("uts"), ...ofCgroup };
}
