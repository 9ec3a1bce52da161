import type { ContainerRecord, MountPoint } from "#container";
import { hostConfig } from "./inspect-host-config.ts";
import { networkSettings } from "./inspect-network-settings.ts";

type Json = Readonly<Record<string, unknown>>;

const noTime = "0001-01-01T00:00:00Z";

/**
 * A container as `docker inspect` shows it: same names, same shapes, as far as lighter has the thing.
 * @param root the store's directory, for paths of the host
 * @param networkId of the network in which it has no endpoint: host and none give none
 * @see https://docs.docker.com/reference/api/engine/version/v1.51/#tag/Container/operation/ContainerInspect
 */
export function inspectContainer(record: ContainerRecord, root: string, networkId = ""): Json {
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
    LogPath:
      record.log.driver === "none" || record.log.name === "local" ? "" : `${directory}/${record.id}-json.log`,
    Name: `/${record.name}`,
    RestartCount: record.state.restartCount,
    Driver: "overlay2",
    Platform: "linux",
    MountLabel: "",
    ProcessLabel: "",
    AppArmorProfile: "",
    ExecIDs: null,
    HostConfig: hostConfig(record),
    GraphDriver: { Name: "overlay2", Data: graphData(record, root) },
    Mounts: record.mounts.filter((mount) => mount.asked?.flag !== "tmpfs").map(mountObject),
    Config: configOf(record),
    NetworkSettings: networkSettings(record, networkId),
  };
}

/**
 * Where scripts look for a container's files. The root is mounted in the monitor's mount namespace alone, so it is seen
 * through the program; of the image's layers the uppermost is named.
 */
function graphData(record: ContainerRecord, root: string): Json {
  const directory = `${root}/containers/${record.id}`;
  return {
    ID: record.id,
    LowerDir: record.snapshot === undefined ? "" : `${root}/snapshots/${record.snapshot}/fs`,
    MergedDir: record.state.pid !== 0 ? `/proc/${record.state.pid}/root` : "",
    UpperDir: `${directory}/fs`,
    WorkDir: `${directory}/work`,
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
  const joined = joinedStreams(record);
  const { networking } = record.network;
  return {
    Hostname: record.hostname,
    Domainname: record.domainname ?? "",
    User: user,
    AttachStdin: joined.includes("stdin"),
    AttachStdout: joined.includes("stdout"),
    AttachStderr: joined.includes("stderr"),
    ...(record.exposedPorts.length > 0 && { ExposedPorts: keyed(record.exposedPorts, () => ({})) }),
    Tty: record.tty,
    OpenStdin: record.input !== "none",
    StdinOnce: record.input !== "none" && joined.includes("stdin"),
    Env: env,
    Cmd: args.slice(entrypointLength),
    ...healthcheckOf(record),
    Image: record.image.name,
    Volumes: volumesOf(record.mounts),
    WorkingDir: cwd,
    Entrypoint: entrypoint.length === 0 ? null : entrypoint,
    ...(networking?.endpoint?.mac !== undefined && { MacAddress: networking.endpoint.mac }),
    OnBuild: null,
    Labels: record.labels,
    ...(record.stopSignal !== "SIGTERM" && { StopSignal: record.stopSignal }),
    ...(record.stopTimeoutSeconds !== 10 && { StopTimeout: record.stopTimeoutSeconds }),
  };
}

/** Docker leaves out what is zero. */
function healthcheckOf({ health, idleHealth }: ContainerRecord): { readonly Healthcheck?: Json } {
  const { probe: _, ...said } = health ?? idleHealth ?? { probe: undefined };
  if (health === undefined && idleHealth === undefined) return {};
  return { Healthcheck: Object.fromEntries(Object.entries(said).filter(([, value]) => value !== 0)) };
}

/** Those of the command that made it. */
function joinedStreams({ attach, input, isDetached = false }: ContainerRecord): readonly string[] {
  if (isDetached) return [];
  return attach ?? ["stdout", "stderr", ...(input === "none" ? [] : ["stdin"])];
}

function volumesOf(mounts: readonly MountPoint[]): Json | null {
  const places = mounts.flatMap((mount) =>
    mount.type === "volume" && mount.isAnonymous === true && mount.asked?.flag !== "mount"
      ? [mount.destination]
      : [],
  );
  return places.length === 0 ? null : keyed(places, () => ({}));
}

/** In the order of docker's struct, which a template prints. */
function mountObject(mount: MountPoint): Json {
  const isVolume = mount.type === "volume";
  return {
    Type: mount.type,
    ...(isVolume && { Name: mount.name }),
    Source: mount.type === "tmpfs" ? "" : mount.source,
    Destination: mount.destination,
    ...(isVolume && { Driver: "local" }),
    Mode: mount.type === "tmpfs" ? "" : modeOf(mount),
    RW: !mount.readOnly,
    Propagation: mount.type === "bind" ? mount.propagation : "",
  };
}

/** The words of `-v`; a volume that has none is as shared as SELinux would have it. */
function modeOf({ type, asked, isAnonymous }: Exclude<MountPoint, { type: "tmpfs" }>): string {
  if (asked?.flag === "volume" && asked.mode !== "") return asked.mode;
  return type === "volume" && (asked?.flag === "mount" || isAnonymous !== true) ? "z" : "";
}

function keyed<T>(names: readonly string[], value: () => T): Readonly<Record<string, T>> {
  return Object.fromEntries(names.map((name) => [name, value()]));
}
