import type { LighterError } from "#base";
import type { RuntimeSpec, SpecProcess } from "./runtime-spec.ts";

export type RuntimeName = "crun" | "runc";

/** An OCI runtime (crun or runc), driven by its command line. @see https://github.com/opencontainers/runtime-spec/blob/v1.2.0/runtime.md */
export interface Runtime {
  readonly name: RuntimeName;
  readonly path: string;
  /**
   * Writes the bundle, runs the container to its end in the foreground and deletes it. Cancelling stops the
   * container (SIGTERM, after `stopGraceMs` SIGKILL), waits until it is gone and throws CANCELLED.
   * @returns the program's status as a shell would say it (128 + signal when killed)
   * @throws RUNTIME_FAILED, COMMAND_NOT_FOUND (127), COMMAND_NOT_EXECUTABLE (126), CANCELLED
   */
  run(container: ContainerProcess): Promise<number>;
  /** Where the program keeps what it knows of its containers: `--root`. */
  readonly stateDirectory: string;
  /**
   * Checks the command and writes `config.json`, for somebody else to run the bundle.
   * @throws COMMAND_NOT_FOUND, COMMAND_NOT_EXECUTABLE
   */
  writeBundle(container: Pick<ContainerProcess, "bundle" | "spec">): void;
  /** Why a bundle that somebody else ran did not start, from `runtime.log` in it. */
  readFailure(container: {
    readonly id: string;
    readonly bundle: string;
    readonly spec: Pick<RuntimeSpec, "process">;
  }): LighterError;
  /** Runs one more process in a running container. @throws RUNTIME_FAILED, COMMAND_NOT_FOUND, COMMAND_NOT_EXECUTABLE */
  exec(request: ExecProcess): Promise<number>;
  /** Runs another command of the runtime on a container: `pause`, `resume`, `update`. @throws RUNTIME_FAILED */
  command(id: string, command: string, args?: readonly string[]): Promise<string>;
  /** Sends a signal to the first process of a running container. @throws RUNTIME_FAILED when it is not running */
  kill(id: string, signal: NodeJS.Signals): Promise<void>;
  /**
   * Removes a container whose owner died: kills what is left of it. Idempotent.
   * @param cgroupPath where its cgroup is. @defaultValue `/lighter/<id>`
   */
  remove(id: string, cgroupPath?: string): Promise<void>;
}

/** A further process of a running container. */
export interface ExecProcess {
  readonly id: string;
  readonly process: SpecProcess;
  /** An existing directory for the process's description. */
  readonly directory: string;
  /** The user of the host that its streams belong to. @defaultValue root */
  readonly owner?: number;
  readonly stdio: ProcessStdio;
}

export interface ContainerProcess {
  /** Unique on this host. */
  readonly id: string;
  /** An empty directory for config.json; the caller removes it. */
  readonly bundle: string;
  readonly spec: RuntimeSpec;
  readonly stdio: ProcessStdio;
  readonly signal?: AbortSignal;
  /** How long a cancelled container may take to end by itself. @defaultValue 1000 */
  readonly stopGraceMs?: number;
}

/** Where the streams go: the caller's own descriptors, or callbacks that get each chunk in order. */
export type ProcessStdio =
  | {
      readonly kind: "inherit";
      /** `ignore` gives the container an empty input. @defaultValue "inherit" */
      readonly stdin?: "inherit" | "ignore";
    }
  | {
      readonly kind: "capture";
      readonly onStdout: (chunk: Uint8Array) => void;
      readonly onStderr: (chunk: Uint8Array) => void;
    };
