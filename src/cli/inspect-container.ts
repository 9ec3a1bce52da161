import type { ContainerRecord, MountPoint } from "#container";

type Json = Readonly<Record<string, unknown>>;

const noTime = "0001-01-01T00:00:00Z";

/**
 * A container as `docker inspect` shows it: same names, same shapes, as far as lighter has the thing.
 * @param root the store's directory, for paths of the host
 * @see https://docs.docker.com/reference/api/engine/version/v1.51/#tag/Container/operation/ContainerInspect
 */
export function inspectContainer(record: ContainerRecord, root: string): Json {
  const directory = `${root}/containers/${record.id}`;
  return {
    Id: record.id,
    Created: record.created,
    Path: record.process.args[0] ?? "",
    Args: record.process.args.slice(1),
    State: stateOf(record),
    Image: record.image.id,
    ResolvConfPath: `${directory}/resolv.conf`,
    HostnamePath: `${directory}/hostname`,
    HostsPath: `${directory}/hosts`,
    LogPath: record.log.driver === "none" ? "" : `${directory}/${record.id}-json.log`,
    Name: `/${record.name}`,
    RestartCount: record.state.restartCount,
    Driver: "overlay2",
    Platform: "linux",
    MountLabel: "",
    ProcessLabel: "",
    AppArmorProfile: "",
    ExecIDs: null,
    HostConfig: hostConfig(record),
    GraphDriver: { Name: "overlay2", Data: { UpperDir: `${directory}/fs`, WorkDir: `${directory}/work` } },
    Mounts: record.mounts.map(mountObject),
    Config: configOf(record),
    NetworkSettings: networkSettings(record),
  };
}

function stateOf({ state }: ContainerRecord): Json {
  const isUp = state.status === "running" || state.status === "paused";
  return {
    Status: state.status,
    Running: isUp || state.status === "restarting",
    Paused: state.status === "paused",
    Restarting: state.status === "restarting",
    OOMKilled: state.oomKilled,
    Dead: false,
    Pid: state.pid,
    ExitCode: isUp ? 0 : state.exitCode,
    Error: state.error ?? "",
    StartedAt: state.startedAt ?? noTime,
    FinishedAt: state.finishedAt ?? noTime,
    ...(state.health !== undefined && {
      Health: {
        Status: state.health.status,
        FailingStreak: state.health.failingStreak,
        Log: state.health.log.map(({ start, end, exitCode, output }) => ({
          Start: start,
          End: end,
          ExitCode: exitCode,
          Output: output,
        })),
      },
    }),
  };
}

function configOf(record: ContainerRecord): Json {
  const { args, entrypointLength, env, cwd, user } = record.process;
  const entrypoint = args.slice(0, entrypointLength);
  const { probe: _, ...health } = record.health ?? { probe: undefined };
  return {
    Hostname: record.hostname,
    Domainname: "",
    User: user,
    AttachStdin: record.input === "once",
    AttachStdout: true,
    AttachStderr: true,
    ...(record.exposedPorts.length > 0 && { ExposedPorts: keyed(record.exposedPorts, () => ({})) }),
    Tty: record.tty,
    OpenStdin: record.input !== "none",
    StdinOnce: record.input === "once",
    Env: env,
    Cmd: args.slice(entrypointLength),
    ...(record.health !== undefined && { Healthcheck: health }),
    Image: record.image.name,
    Volumes: keyed(
      record.mounts.filter(({ type }) => type === "volume").map(({ destination }) => destination),
      () => ({}),
    ),
    WorkingDir: cwd,
    Entrypoint: entrypoint.length === 0 ? null : entrypoint,
    Labels: record.labels,
    StopSignal: record.stopSignal,
    StopTimeout: record.stopTimeoutSeconds,
  };
}

function hostConfig(record: ContainerRecord): Json {
  const { limits, security, restart, namespaces } = record;
  return {
    Binds: binds(record.mounts),
    ContainerIDFile: "",
    LogConfig: { Type: record.log.driver, Config: record.log.options },
    NetworkMode: record.network.name,
    PortBindings: portBindings(record.network.ports),
    RestartPolicy: { Name: restart.name, MaximumRetryCount: restart.maximumRetryCount },
    AutoRemove: record.remove,
    CapAdd: orNull(security.capAdd),
    CapDrop: orNull(security.capDrop),
    ExtraHosts: orNull(record.network.extraHosts),
    GroupAdd: orNull(record.groupAdd),
    IpcMode: namespaces.ipc === "" ? "private" : namespaces.ipc,
    PidMode: namespaces.pid,
    UTSMode: namespaces.uts,
    OomScoreAdj: limits.oomScoreAdj ?? 0,
    Privileged: security.privileged,
    PublishAllPorts: false,
    ReadonlyRootfs: record.readOnly,
    SecurityOpt: orNull(security.options),
    ShmSize: limits.shmBytes ?? 67_108_864,
    Sysctls: record.sysctls,
    Annotations: record.annotations,
    Init: record.init,
    Runtime: "crun",
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
    PidsLimit: limits.pidsLimit ?? null,
    BlkioWeight: limits.blkioWeight ?? 0,
    Ulimits: (limits.ulimits ?? []).map(ulimitObject),
    Devices: record.devices.map(deviceObject),
    Tmpfs: tmpfsOf(record.mounts),
  };
}

function mountObject(mount: MountPoint): Json {
  const common = { Destination: mount.destination, RW: !mount.readOnly };
  if (mount.type === "tmpfs")
    return { Type: "tmpfs", Source: "", ...common, Mode: mount.options.join(","), Propagation: "" };
  return {
    Type: mount.type,
    ...(mount.type === "volume" && { Name: mount.name, Driver: "local" }),
    Source: mount.source,
    ...common,
    Mode: mount.readOnly ? "ro" : "",
    Propagation: mount.type === "bind" ? mount.propagation : "",
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

function portBindings(ports: Ports): Json {
  const bindings: Record<string, Json[]> = {};
  for (const { containerPort, protocol, hostAddress, hostPort } of ports)
    (bindings[`${containerPort}/${protocol}`] ??= []).push({
      HostIp: hostAddress ?? "",
      HostPort: hostPort === undefined ? "" : String(hostPort),
    });
  return bindings;
}

function networkSettings({ id, network, state, exposedPorts, hostname }: ContainerRecord): Json {
  const isUp = state.status === "running" || state.status === "paused";
  const published = isUp ? (network.published ?? []) : [];
  const bound = portBindings(published.map((port) => ({ hostAddress: "0.0.0.0", ...port })));
  const facts = isUp ? network : { address: undefined, gateway: undefined, mac: undefined };
  const plain = {
    IPAddress: facts.address ?? "",
    Gateway: facts.gateway ?? "",
    MacAddress: facts.mac ?? "",
  };
  const endpoints = isUp ? endpointsOf(network) : [];
  const networks =
    endpoints.length > 0
      ? Object.fromEntries(endpoints)
      : { [network.name]: { ...plain, Aliases: null, DNSNames: [hostname, id.slice(0, 12)] } };
  return {
    ...plain,
    SandboxKey: isUp ? `/proc/${state.pid}/ns/net` : "",
    Ports: isUp ? { ...keyed(exposedPorts, () => null), ...bound } : {},
    Networks: networks,
  };
}

/** By network; what the network room knows of each place. */
function endpointsOf(network: ContainerRecord["network"]): readonly (readonly [string, Json])[] {
  return (network.endpoints ?? []).map((endpoint) => [
    endpoint.network,
    {
      NetworkID: endpoint.networkId,
      EndpointID: endpoint.endpointId,
      IPAddress: endpoint.address ?? "",
      IPPrefixLen: endpoint.prefix ?? 0,
      Gateway: endpoint.gateway ?? "",
      GlobalIPv6Address: endpoint.address6 ?? "",
      GlobalIPv6PrefixLen: endpoint.prefix6 ?? 0,
      IPv6Gateway: endpoint.gateway6 ?? "",
      MacAddress: endpoint.mac,
      Aliases: orNull(endpoint.aliases),
      DNSNames: endpoint.dnsNames,
    },
  ]);
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

function keyed<T>(names: readonly string[], value: () => T): Readonly<Record<string, T>> {
  return Object.fromEntries(names.map((name) => [name, value()]));
}
