import type { ContainerRecord, Limits, MountPoint } from "#container";
import { maskedPaths, readonlyPaths } from "#runtime";
import { parseByteSize } from "./byte-size.ts";

type Json = Readonly<Record<string, unknown>>;

/** `HostConfig` of `docker inspect`: what was asked for; what lighter has not is as docker shows it unset. */
export function hostConfig(record: ContainerRecord): Json {
  const { limits, security, restart, namespaces } = record;
  const { networking } = record.network;
  const dns = networking?.dns;
  return {
    Binds: binds(record.mounts),
    ContainerIDFile: "",
    LogConfig: { Type: record.log.name ?? record.log.driver, Config: record.log.options },
    NetworkMode: record.network.name,
    PortBindings: portBindings(askedPorts(record)),
    RestartPolicy: { Name: restart.name, MaximumRetryCount: restart.maximumRetryCount },
    AutoRemove: record.remove,
    VolumeDriver: "",
    VolumesFrom: orNull(record.volumesFrom ?? []),
    ConsoleSize: [0, 0],
    CapAdd: orNull(security.capAdd.map(capability)),
    CapDrop: orNull(security.capDrop.map(capability)),
    CgroupnsMode: namespaces.cgroup ?? "",
    Dns: dns?.servers ?? [],
    DnsOptions: dns?.options ?? [],
    DnsSearch: dns?.search ?? [],
    ExtraHosts: orNull(record.network.extraHosts),
    GroupAdd: orNull(record.groupAdd),
    IpcMode: namespaces.ipc === "" ? "private" : namespaces.ipc,
    PidMode: namespaces.pid,
    UTSMode: namespaces.uts,
    UsernsMode: namespaces.user ?? "",
    Cgroup: "",
    Links: orNull(linksOf(record)),
    OomScoreAdj: limits.oomScoreAdj ?? 0,
    Privileged: security.privileged,
    PublishAllPorts: record.publishAll ?? false,
    ReadonlyRootfs: record.readOnly,
    SecurityOpt: securityOptions(record),
    ShmSize: limits.shmBytes ?? 67_108_864,
    ...(Object.keys(record.sysctls).length > 0 && { Sysctls: record.sysctls }),
    ...(Object.keys(record.annotations).length > 0 && { Annotations: record.annotations }),
    ...(record.init && { Init: true }),
    Runtime: record.runtime ?? "crun",
    Isolation: "",
    CpuShares: limits.cpuShares ?? 0,
    NanoCpus: limits.nanoCpus ?? 0,
    CpuPeriod: limits.cpuPeriod ?? 0,
    CpuQuota: limits.cpuQuota ?? 0,
    CpusetCpus: limits.cpusetCpus ?? "",
    CpusetMems: limits.cpusetMems ?? "",
    Memory: limits.memoryBytes ?? 0,
    MemoryReservation: limits.memoryReservationBytes ?? 0,
    MemorySwap: limits.memorySwapBytes ?? (limits.memoryBytes ?? 0) * 2,
    MemorySwappiness: limits.memorySwappiness ?? null,
    OomKillDisable: limits.oomKillDisable ?? false,
    CpuRealtimePeriod: 0,
    CpuRealtimeRuntime: 0,
    CpuCount: 0,
    CpuPercent: 0,
    IOMaximumBandwidth: 0,
    IOMaximumIOps: 0,
    CgroupParent: record.cgroupParent ?? "",
    PidsLimit: (limits.pidsLimit ?? 0) > 0 ? limits.pidsLimit : null,
    BlkioWeight: limits.blkioWeight ?? 0,
    BlkioWeightDevice: (limits.blkioWeightDevices ?? []).map(({ path, rate }) => ({
      Path: path,
      Weight: rate,
    })),
    BlkioDeviceReadBps: rates(limits.deviceReadBps),
    BlkioDeviceReadIOps: rates(limits.deviceReadIops),
    BlkioDeviceWriteBps: rates(limits.deviceWriteBps),
    BlkioDeviceWriteIOps: rates(limits.deviceWriteIops),
    Ulimits: (limits.ulimits ?? []).toSorted().map(ulimitObject),
    Devices: record.devices.map(deviceObject),
    DeviceCgroupRules: orNull(record.deviceCgroupRules ?? []),
    DeviceRequests: null,
    MaskedPaths: hidden(security, maskedPaths),
    ReadonlyPaths: hidden(security, readonlyPaths),
    ...mountsOf(record.mounts),
    ...tmpfsOf(record.mounts),
  };
}

function binds(mounts: readonly MountPoint[]): readonly string[] | null {
  const texts = mounts.flatMap((mount) => {
    if (mount.type === "tmpfs" || mount.isAnonymous === true || mount.asked?.flag === "mount") return [];
    const source = mount.type === "volume" ? mount.name : mount.source;
    const mode = mount.asked?.flag === "volume" ? mount.asked.mode : mount.readOnly ? "ro" : "";
    return [`${source}:${mount.destination}${mode === "" ? "" : `:${mode}`}`];
  });
  return orNull(texts);
}

/** What `--tmpfs` asked for, in its words. */
function tmpfsOf(mounts: readonly MountPoint[]): Json {
  const asked = mounts.flatMap(({ destination, asked: how }) =>
    how?.flag === "tmpfs" ? [[destination, how.mode] as const] : [],
  );
  return asked.length === 0 ? {} : { Tmpfs: Object.fromEntries(asked) };
}

/** What `--mount` asked for. */
function mountsOf(mounts: readonly MountPoint[]): Json {
  const asked = mounts.filter((mount) => mount.asked?.flag === "mount").map(mountObject);
  return asked.length === 0 ? {} : { Mounts: asked };
}

function mountObject(mount: MountPoint): Json {
  const common = {
    Type: mount.type,
    ...sourceOf(mount),
    Target: mount.destination,
    ...(mount.readOnly && { ReadOnly: true }),
  };
  if (mount.type === "tmpfs") return { ...common, ...filled("TmpfsOptions", tmpfsOptions(mount.options)) };
  if (mount.type === "volume")
    return { ...common, ...filled("VolumeOptions", mount.copies === false ? { NoCopy: true } : {}) };
  const { propagation, below } = mount;
  const options = {
    ...(propagation !== "rprivate" && { Propagation: propagation }),
    ...(below === "absent" && { NonRecursive: true }),
    ...(below === "writable" && { ReadOnlyNonRecursive: true }),
  };
  return { ...common, ...filled("BindOptions", options) };
}

function sourceOf(mount: MountPoint): Json {
  if (mount.type === "tmpfs" || mount.isAnonymous === true) return {};
  return { Source: mount.type === "volume" ? mount.name : mount.source };
}

function tmpfsOptions(options: readonly string[]): Json {
  const value = (name: string): string | undefined =>
    options.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
  const [size, mode] = [value("size"), value("mode")];
  return {
    ...(size !== undefined && { SizeBytes: parseByteSize(size) }),
    ...(mode !== undefined && mode !== "1777" && { Mode: Number.parseInt(mode, 8) }),
  };
}

function filled(name: string, options: Json): Json {
  return Object.keys(options).length === 0 ? {} : { [name]: options };
}

type Security = ContainerRecord["security"];

const unmasking = /^systempaths[=:]unconfined$/;

/** Docker takes `systempaths` for what it does, and labels of SELinux away where processes of the host are seen. */
function securityOptions({ security, namespaces }: ContainerRecord): readonly string[] | null {
  const options = security.options.filter((text) => !unmasking.test(text));
  const isOfHost = security.privileged || namespaces.pid === "host" || namespaces.ipc === "host";
  if (isOfHost && !options.some((text) => text.startsWith("label"))) return [...options, "label=disable"];
  return security.options.length === 0 ? null : options;
}

function hidden({ privileged, options }: Security, paths: readonly string[]): readonly string[] | null {
  if (options.some((text) => unmasking.test(text))) return [];
  return privileged ? null : paths;
}

/** In full, as docker keeps it: `CAP_NET_ADMIN`. */
function capability(text: string): string {
  const name = text.toUpperCase();
  return name === "ALL" || name.startsWith("CAP_") ? name : `CAP_${name}`;
}

type Ports = ContainerRecord["network"]["ports"];

/** What `-p` asked for: what `-P` adds has neither address nor port of the host. */
function askedPorts({ network, publishAll = false }: ContainerRecord): Ports {
  if (!publishAll) return network.ports;
  return network.ports.filter(
    ({ hostAddress, hostPort }) => hostAddress !== undefined || hostPort !== undefined,
  );
}

/** By `80/tcp`, docker's way. */
export function portBindings(ports: Ports): Json {
  const bindings: Record<string, Json[]> = {};
  for (const { containerPort, protocol, hostAddress, hostPort } of ports)
    (bindings[`${containerPort}/${protocol}`] ??= []).push({
      HostIp: hostAddress ?? "",
      HostPort: hostPort === undefined ? "" : String(hostPort),
    });
  return bindings;
}

function rates(list: Limits["deviceReadBps"] = []): readonly Json[] {
  return list.map(({ path, rate }) => ({ Path: path, Rate: rate }));
}

/** `nofile=1024:2048`. */
function ulimitObject(text: string): Json {
  const [name = "", values = ""] = text.split("=");
  const [soft = "", hard = soft] = values.split(":");
  return { Name: name, Soft: Number(soft), Hard: Number(hard) };
}

function deviceObject(text: string): Json {
  const [source = "", target = source, access = "rwm"] = text.split(":");
  return { PathOnHost: source, PathInContainer: target, CgroupPermissions: access };
}

/** On the default network docker names both ends; a link on another is told with that network. */
function linksOf({ name, network }: ContainerRecord): readonly string[] {
  if (network.name !== "bridge" && network.name !== "default") return [];
  return (network.networking?.endpoint?.links ?? []).map((text) => {
    const [target = "", alias = target] = text.replace(/^\//, "").split(":", 2);
    return `/${target}:/${name}/${alias}`;
  });
}

function orNull<T>(list: readonly T[]): readonly T[] | null {
  return list.length === 0 ? null : list;
}
