import type { PortMapping } from "#runtime";
import type { VolumeBind } from "./volume.ts";

/** What is known of a container: `<root>/containers/<id>/container.json`. */
export interface ContainerRecord {
  readonly version: 1;
  /** 64 hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  readonly image: { readonly id: string; readonly name: string };
  /** RFC 3339, as all times here. */
  readonly created: string;
  readonly hostname: string;
  readonly process: ProcessSettings;
  readonly network: NetworkSettings;
  readonly mounts: readonly VolumeBind[];
  readonly readOnly: boolean;
  readonly tty: boolean;
  /** It goes when it ends. */
  readonly remove: boolean;
  readonly state: ContainerState;
}

/** What runs, after image and request were put together. */
export interface ProcessSettings {
  /** Entrypoint and Cmd joined. */
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  /** Empty is root. */
  readonly user: string;
}

/** The network that was asked for, and once joined what it gave. */
export interface NetworkSettings {
  readonly name: string;
  readonly address?: string;
  readonly gateway?: string;
  readonly mac?: string;
  readonly ports: readonly PortMapping[];
}

export type ContainerState =
  | { readonly status: "created" }
  | { readonly status: "running"; readonly startedAt: string }
  | {
      readonly status: "exited";
      readonly exitCode: number;
      readonly startedAt?: string;
      readonly finishedAt: string;
      /** Why it ended, when not by itself. */
      readonly error?: string;
    };
