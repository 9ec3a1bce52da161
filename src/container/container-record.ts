import type { Healthcheck } from "#oci";
import type { EndpointFacts, NetworkingRequest, PortMapping, RuntimeName } from "#runtime";
import type { MountPoint } from "./mount-point.ts";
import type { StreamName } from "./run-request.ts";

/** What was decided when a container was made: `<root>/containers/<id>/container.json`. Its life is in {@link ContainerState}. */
export interface StoredContainer {
  readonly version: 2;
  /** 64 hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  readonly image: { readonly id: string; readonly name: string };
  /** The image's tree; undefined for an image without layers. A collection keeps it. */
  readonly snapshot?: string;
  /** RFC 3339, as all times here. */
  readonly created: string;
  readonly hostname: string;
  readonly process: ProcessSettings;
  readonly network: NetworkSettings;
  readonly mounts: readonly MountPoint[];
  readonly readOnly: boolean;
  readonly tty: boolean;
  /** `none`: its input is empty; `once`: it ends with the first client that feeds it. */
  readonly input: "none" | "open" | "once";
  /** It goes when it ends. */
  readonly remove: boolean;
  readonly labels: Readonly<Record<string, string>>;
  /** As it was given: `SIGTERM`, `15`. */
  readonly stopSignal: string;
  /** -1 waits for ever. */
  readonly stopTimeoutSeconds: number;
  readonly restart: RestartPolicy;
  readonly log: LogSettings;
  readonly limits: Limits;
  readonly security: SecuritySettings;
  readonly health?: HealthSettings;
  /** What was said of health checks where there is none to run. */
  readonly idleHealth?: HealthSettings;
  readonly init: boolean;
  readonly namespaces: NamespaceSettings;
  readonly groupAdd: readonly string[];
  readonly sysctls: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly devices: readonly string[];
  readonly deviceCgroupRules?: readonly string[];
  /** Absolute. */
  readonly cgroupParent?: string;
  readonly domainname?: string;
  /** The one that was asked for. */
  readonly runtime?: RuntimeName;
  /** What `run -a` and `create -a` joined: `start -a` joins them again. */
  readonly attach?: readonly StreamName[];
  readonly exposedPorts: readonly string[];
  /** As they were given. */
  readonly volumesFrom?: readonly string[];
  readonly publishAll?: boolean;
  /** Made by `run`: without a start it is a leftover. */
  readonly isRun?: boolean;
  /** `run -d` made it: nobody's streams are joined. */
  readonly isDetached?: boolean;
  /** The user stopped it: `unless-stopped` heeds that at boot. */
  readonly isStopped?: boolean;
}

/** A container and what it does now. */
export interface ContainerRecord extends StoredContainer {
  readonly state: ContainerState;
}

/** What runs, after image and request were put together. */
export interface ProcessSettings {
  /** Entrypoint and Cmd joined. */
  readonly args: readonly string[];
  /** How many of {@link args} are the entrypoint's. */
  readonly entrypointLength: number;
  readonly env: readonly string[];
  readonly cwd: string;
  /** Empty is root. */
  readonly user: string;
}

/** The network that was asked for, and while it is joined what it gave. */
export interface NetworkSettings {
  readonly name: string;
  readonly address?: string;
  readonly gateway?: string;
  readonly mac?: string;
  readonly networking?: NetworkingRequest;
  /** The places on networks that the start gave; `network connect` may have changed them since. */
  readonly endpoints?: readonly EndpointFacts[];
  /** As they were asked for. */
  readonly ports: readonly PortMapping[];
  /** With the host ports that were taken, while it runs. */
  readonly published?: readonly PortMapping[];
  /** `name:address`. */
  readonly extraHosts: readonly string[];
}

export interface RestartPolicy {
  readonly name: "no" | "always" | "on-failure" | "unless-stopped";
  /** 0 is no limit. */
  readonly maximumRetryCount: number;
}

export interface LogSettings {
  readonly driver: "json-file" | "none";
  /** What it was asked for as, when that is another name. */
  readonly name?: "local";
  /** A file that has grown to this size is set aside; 0 is no limit. */
  readonly maxBytes: number;
  readonly maxFiles: number;
  /** As they were given. */
  readonly options: Readonly<Record<string, string>>;
}

/** Limits of the cgroup; undefined is none. */
export interface Limits {
  readonly nanoCpus?: number;
  readonly cpuShares?: number;
  readonly cpuPeriod?: number;
  readonly cpuQuota?: number;
  readonly cpusetCpus?: string;
  readonly cpusetMems?: string;
  readonly memoryBytes?: number;
  readonly memorySwapBytes?: number;
  readonly memoryReservationBytes?: number;
  readonly memorySwappiness?: number;
  readonly pidsLimit?: number;
  readonly blkioWeight?: number;
  /** 10 to 1000. */
  readonly blkioWeightDevices?: readonly DeviceRate[];
  readonly deviceReadBps?: readonly DeviceRate[];
  readonly deviceWriteBps?: readonly DeviceRate[];
  readonly deviceReadIops?: readonly DeviceRate[];
  readonly deviceWriteIops?: readonly DeviceRate[];
  readonly oomKillDisable?: boolean;
  readonly oomScoreAdj?: number;
  readonly shmBytes?: number;
  /** `name=soft[:hard]`. */
  readonly ulimits?: readonly string[];
}

/** Bytes or operations in a second. */
export interface DeviceRate {
  readonly path: string;
  readonly rate: number;
}

export interface SecuritySettings {
  readonly privileged: boolean;
  readonly capAdd: readonly string[];
  readonly capDrop: readonly string[];
  /** docker's words: `no-new-privileges`, `seccomp=unconfined`. */
  readonly options: readonly string[];
}

/** The empty text is a namespace of its own. */
export interface NamespaceSettings {
  readonly pid: string;
  readonly ipc: string;
  readonly uts: string;
  readonly cgroup?: string;
  /** As it was given. */
  readonly user?: string;
  /** The first of the user IDs of the host that the container's own stand for; undefined without `auto`. */
  readonly firstUser?: number;
}

/** How health is found out. Durations in nanoseconds, as docker keeps them; 0 is the default. */
export interface HealthSettings extends Healthcheck {
  /** A probe of a port from inside the container's network, which needs no program in the image. */
  readonly probe?: { readonly kind: "http" | "tcp"; readonly port: number; readonly path: string };
}

/** The life of a container, as its monitor tells it. */
export interface ContainerState {
  readonly status: "created" | "running" | "paused" | "restarting" | "exited";
  /** 0 when it does not run. */
  readonly pid: number;
  readonly monitorPid: number;
  readonly exitCode: number;
  readonly startedAt?: string;
  readonly finishedAt?: string;
  /** Why it did not start or ended, when not by itself. */
  readonly error?: string;
  readonly oomKilled: boolean;
  readonly restartCount: number;
  /** Lines that a full disk took. */
  readonly lostLogBytes: number;
  readonly health?: HealthState;
}

export interface HealthState {
  readonly status: "starting" | "healthy" | "unhealthy";
  readonly failingStreak: number;
  readonly log: readonly {
    readonly start: string;
    readonly end: string;
    readonly exitCode: number;
    readonly output: string;
  }[];
}

export const createdState: ContainerState = Object.freeze({
  status: "created",
  pid: 0,
  monitorPid: 0,
  exitCode: 0,
  oomKilled: false,
  restartCount: 0,
  lostLogBytes: 0,
});

/** Whether a process of it may exist. */
export function isLive({ status }: ContainerState): boolean {
  return status === "running" || status === "paused" || status === "restarting";
}
