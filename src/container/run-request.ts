import type { OnProgress } from "#base";
import type { Image } from "#image";
import type { NetworkingRequest, PortMapping } from "#runtime";
import type { HealthSettings, Limits, LogSettings, RestartPolicy } from "./container-record.ts";

/** What `docker create` and `docker run` ask for; the image is found already. */
export interface RunRequest extends ContainerOptions, StreamOptions {
  readonly image: Image;
  /** The name by which the user asked for the image. */
  readonly imageName: string;
}

/** Everything that is decided when a container is made. Names are docker's. */
export interface ContainerOptions {
  /** Replaces the image's Cmd when not empty. */
  readonly args?: readonly string[];
  /** Replaces the image's Entrypoint and drops its Cmd; empty takes both away. */
  readonly entrypoint?: readonly string[];
  /** Unique among containers. @defaultValue a random one */
  readonly name?: string;
  /** Leave nothing when it has ended. */
  readonly remove?: boolean;
  /** `NAME=value`, over the image's; `NAME` takes one away. */
  readonly env?: readonly string[];
  readonly workdir?: string;
  /** `user[:group]`, names or numbers. */
  readonly user?: string;
  readonly hostname?: string;
  /** @defaultValue `bridge` */
  readonly network?: string;
  /** Addresses, aliases, further networks, name servers and an egress policy. */
  readonly networking?: NetworkingRequest;
  readonly ports?: readonly PortMapping[];
  /** `80`, `53/udp`: told by `inspect`, published by {@link publishAll}. */
  readonly expose?: readonly string[];
  /** Publish every exposed port at a free port of the host. */
  readonly publishAll?: boolean;
  /** `name:address`. */
  readonly extraHosts?: readonly string[];
  /** `[source:]/container/path[:options]`. */
  readonly volumes?: readonly string[];
  /** docker's `--mount type=…,source=…,target=…`. */
  readonly mounts?: readonly string[];
  /** `/path[:options]`. */
  readonly tmpfs?: readonly string[];
  readonly readOnly?: boolean;
  /** Without it the container's input is empty. */
  readonly interactive?: boolean;
  readonly tty?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
  /** @defaultValue the image's, else SIGTERM */
  readonly stopSignal?: string;
  /** @defaultValue 10 */
  readonly stopTimeoutSeconds?: number;
  readonly restart?: RestartPolicy;
  readonly log?: Partial<LogSettings>;
  readonly limits?: Limits;
  readonly privileged?: boolean;
  readonly capAdd?: readonly string[];
  readonly capDrop?: readonly string[];
  readonly securityOptions?: readonly string[];
  /** `none` takes the image's away. */
  readonly health?: HealthSettings | "none";
  readonly init?: boolean;
  /** `host`, `container:NAME`; empty is a namespace of its own. */
  readonly pid?: string;
  readonly ipc?: string;
  readonly uts?: string;
  /** `host`, which is the default and all there is. */
  readonly userns?: string;
  readonly groupAdd?: readonly string[];
  readonly sysctls?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** `/host/device[:/container/device[:rwm]]`. */
  readonly devices?: readonly string[];
  /** `TYPE MAJOR:MINOR ACCESS`, as `c 13:* rwm`: what may be opened besides the devices that are given. */
  readonly deviceCgroupRules?: readonly string[];
  /** `CONTAINER[:ro|rw]`: the volumes and bind mounts of another container. */
  readonly volumesFrom?: readonly string[];
  /** The cgroup in which the container's own is made. @defaultValue `/lighter` */
  readonly cgroupParent?: string;
  /** @defaultValue `private` on cgroup v2, `host` on v1 */
  readonly cgroupns?: string;
  readonly domainname?: string;
  /** @defaultValue crun where it works, else runc */
  readonly runtime?: string;
}

export type StreamName = "stdin" | "stdout" | "stderr";

/** How a client and a container are joined. */
export interface StreamOptions {
  /**
   * `inherit` is this process's own streams, `none` leaves the container alone.
   * @defaultValue `inherit`
   */
  readonly stdio?:
    | "inherit"
    | "none"
    | { readonly onStdout: (chunk: Uint8Array) => void; readonly onStderr: (chunk: Uint8Array) => void };
  /** Which streams are joined. @defaultValue the output and the errors, and the input of an interactive container */
  readonly attach?: readonly StreamName[];
  /** Keys that leave a container running. @defaultValue `ctrl-p,ctrl-q` */
  readonly detachKeys?: string;
  /** Called once the program runs; `send` passes a signal on to it. */
  readonly onSignals?: (send: (signal: NodeJS.Signals) => void) => void;
  /** Leaves the container running. */
  readonly leave?: AbortSignal;
  /** Told how far the image's tree has been laid out, when it is not there yet. */
  readonly onProgress?: OnProgress;
  /** Called when the container is made, before it starts. */
  readonly onCreated?: (container: { readonly id: string; readonly name: string }) => void;
  /** Stops the container. */
  readonly signal?: AbortSignal;
}
