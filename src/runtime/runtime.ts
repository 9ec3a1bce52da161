import type { RuntimeSpec } from "./runtime-spec.ts";

/** An OCI runtime (crun or runc), driven by its command line. @see https://github.com/opencontainers/runtime-spec/blob/v1.2.0/runtime.md */
export interface Runtime {
  readonly name: "crun" | "runc";
  readonly path: string;
  /**
   * Writes the bundle, runs the container to its end in the foreground and deletes it. Cancelling stops the
   * container (SIGTERM, after `stopGraceMs` SIGKILL), waits until it is gone and throws CANCELLED.
   * @returns the program's status as a shell would say it (128 + signal when killed)
   * @throws RUNTIME_FAILED, COMMAND_NOT_FOUND (127), COMMAND_NOT_EXECUTABLE (126), CANCELLED
   */
  run(container: ContainerProcess): Promise<number>;
  /** Sends a signal to the first process of a running container. @throws RUNTIME_FAILED when it is not running */
  kill(id: string, signal: NodeJS.Signals): Promise<void>;
  /** Removes a container whose owner died: kills what is left of it. Idempotent. */
  remove(id: string): Promise<void>;
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
