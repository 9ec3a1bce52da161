import type { ContainerRecord, Limits, MountPoint } from "#container";
import { maskedPaths, readonlyPaths } from "#runtime";

type Json = Readonly<Record<string, unknown>>;

/** `HostConfig` of `docker inspect`: what was asked for; what lighter has not is as docker shows it unset. */
export function hostConfig(record: ContainerRecord): Json {
  const { limits, security, restart, namespaces } = record;
  const { networking } = record.network;
  const dns = networking?.dns;
  const isUnmasked =
    security.privileged || security.options.some((text) => /^systempaths[=:]unconfined$/.test(text));
  return {
    Binds: binds(record.mounts),
    ContainerIDFile: "",
    LogConfig: { Type: record.log.driver, Config: record.log.options },
    NetworkMode: record.network.name,
    PortBindings: portBindings(record.network.ports),
    RestartPolicy: { Name: restart.name, MaximumRetryCount: restart.maximumRetryCount },
    AutoRemove: record.remove,
    VolumeDriver: "",
    VolumesFrom: orNull(record.volumesFrom ?? []),
    ConsoleSize: [0, 0],
    CapAdd: orNull(security.capAdd),
    CapDrop: orNull(security.capDrop),
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
    Links: orNull(networking?.endpoint?.links ?? []),
    OomScoreAdj: limits.oomScoreAdj ?? 0,
    Privileged: security.privileged,
    PublishAllPorts: record.publishAll ?? false,
    ReadonlyRootfs: record.readOnly,
    SecurityOpt: orNull(security.options),
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
    PidsLimit: limits.pidsLimit ?? null,
    BlkioWeight: limits.blkioWeight ?? 0,
    BlkioWeightDevice: (limits.blkioWeightDevices ?? []).map(({ path, rate }) => ({
      Path: path,
      Weight: rate,
    })),
    BlkioDeviceReadBps: rates(limits.deviceReadBps),
    BlkioDeviceReadIOps: rates(limits.deviceReadIops),
    BlkioDeviceWriteBps: rates(limits.deviceWriteBps),
    BlkioDeviceWriteIOps: rates(limits.deviceWriteIops),
    Ulimits: (limits.ulimits ?? []).map(ulimitObject),
    Devices: record.devices.map(deviceObject),
    DeviceCgroupRules: orNull(record.deviceCgroupRules ?? []),
    DeviceRequests: null,
    MaskedPaths: isUnmasked ? null : maskedPaths,
    ReadonlyPaths: isUnmasked ? null : readonlyPaths,
    Tmpfs: tmpfsOf(record.mounts),
  };
}

function binds(mounts: readonly MountPoint[]): readonly string[] | null {
  const texts = mounts.flatMap((mount) => {
    if (mount.type === "tmpfs" || (mount.type === "volume" && mount.isAnonymous === true)) return [];
    const source = mount.type === "volume" ? mount.name : mount.source;
    return [`${source}:${mount.destination}${mount.readOnly ? ":ro" : ""}`];
  });
  return orNull(texts);
}

function tmpfsOf(mounts: readonly MountPoint[]): Json {
  return Object.fromEntries(
    mounts.flatMap((mount) => (mount.type === "tmpfs" ? [[mount.destination, mount.options.join(",")]] : [])),
  );
}

type Ports = ContainerRecord["network"]["ports"];

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

function orNull<T>(list: readonly T[]): readonly T[] | null {
  return list.length === 0 ? null : list;
}
