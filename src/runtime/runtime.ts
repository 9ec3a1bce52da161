import type { RuntimeSpec } from "./runtime-spec.ts";

/** An OCI runtime (crun or runc), driven by its command line. @see https://github.com/opencontainers/runtime-spec/blob/v1.2.0/runtime.md */
export interface Runtime {
  readonly name: "crun" | "runc";
  readonly path: string;
  /**
   * Writes the bundle, runs the container to its end in the foreground and deletes it. Cancelling kills the container.
   * @returns the program's status as a shell would say it (128 + signal when killed)
   * @throws RUNTIME_FAILED, COMMAND_NOT_FOUND (127), COMMAND_NOT_EXECUTABLE (126)
   */
  run(container: ContainerProcess): Promise<number>;
  /** Sends a signal to a running container. */
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
}

/** Where the streams go: the caller's own descriptors, or callbacks that get each chunk in order. */
export type ProcessStdio =
  | { readonly kind: "inherit" }
  | {
      readonly kind: "capture";
      readonly onStdout: (chunk: Uint8Array) => void;
      readonly onStderr: (chunk: Uint8Array) => void;
    };
