import type { SpecSeccomp } from "./seccomp.ts";

/**
 * `config.json` of a bundle, as far as the engine writes it. Names are the specification's.
 * @see https://github.com/opencontainers/runtime-spec/blob/v1.2.0/config.md
 */
export interface RuntimeSpec {
  readonly ociVersion: string;
  readonly hostname?: string;
  readonly root: { readonly path: string; readonly readonly?: boolean };
  readonly process: SpecProcess;
  readonly mounts: readonly SpecMount[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly linux: SpecLinux;
}

export interface SpecProcess {
  readonly terminal?: boolean;
  readonly consoleSize?: { readonly height: number; readonly width: number };
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly user: {
    readonly uid: number;
    readonly gid: number;
    readonly additionalGids?: readonly number[];
    readonly umask?: number;
  };
  readonly capabilities?: Readonly<
    Record<"bounding" | "effective" | "permitted" | "inheritable" | "ambient", readonly string[]>
  >;
  readonly rlimits?: readonly { readonly type: string; readonly hard: number; readonly soft: number }[];
  readonly noNewPrivileges?: boolean;
  readonly oomScoreAdj?: number;
  readonly apparmorProfile?: string;
}

export interface SpecMount {
  readonly destination: string;
  readonly type?: string;
  readonly source?: string;
  readonly options?: readonly string[];
}

/** A node in the container's /dev. */
export interface SpecDevice {
  readonly path: string;
  readonly type: "c" | "b";
  readonly major: number;
  readonly minor: number;
  readonly fileMode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** `rwm`; not of the document but of its device rules. */
  readonly access: string;
}

export interface SpecLinux {
  readonly namespaces: readonly {
    readonly type: "pid" | "mount" | "uts" | "ipc" | "network" | "cgroup" | "user";
    readonly path?: string;
  }[];
  readonly maskedPaths?: readonly string[];
  readonly readonlyPaths?: readonly string[];
  readonly seccomp?: SpecSeccomp;
  readonly resources?: unknown;
  readonly cgroupsPath?: string;
  readonly sysctl?: Readonly<Record<string, string>>;
  readonly devices?: readonly unknown[];
}
