import { type Cleanup, LighterError } from "#base";
import type { Host } from "#host";
import type { BindMount, CacheMount, ExecOp } from "#plan";
import type { ResourceLimits, Runtime, SpecMount } from "#runtime";
import type { ActiveSnapshot } from "#snapshot";
import type { MountPoint } from "./mount-stubs.ts";
import type { NetworkPool } from "./network-pool.ts";
import type { FindAgent, FindSecret } from "./secret-files.ts";

/** Layers of a tree, top first, and where in it a mount starts. */
export interface MountSource {
  readonly layers: readonly string[];
  /** Clean, with no links in it. */
  readonly path: string;
  readonly isDirectory: boolean;
}

export interface StepOptions {
  /** Unique on this host. */
  readonly id: string;
  readonly snapshot: ActiveSnapshot;
  readonly host: Host;
  readonly runtime: Runtime;
  readonly networks: NetworkPool;
  /** What `--network=default` means: `bridge`, or a network that the caller named. */
  readonly defaultNetwork: string;
  readonly cgroupParent?: string | undefined;
  readonly limits?: ResourceLimits | undefined;
  readonly runDirectory: string;
  readonly cacheDirectory: string;
  readonly ignoreCache: boolean;
  readonly findSecret: FindSecret;
  /** Socket of the agent with that id. */
  readonly findAgent: FindAgent;
  readonly bindSource: (mount: BindMount) => Promise<MountSource>;
  readonly seedCache: (mount: CacheMount, directory: string) => Promise<void>;
  /**
   * Told of a program that failed, while everything it had is still there: `openShell` opens a shell in it, and gives the
   * shell's status.
   */
  readonly onFailure?: ((error: LighterError, openShell: () => Promise<number>) => Promise<void>) | undefined;
  /** Layers of an image with a shell, top first, for trees that have none. */
  readonly findTools?: (() => Promise<readonly string[] | undefined>) | undefined;
  readonly onOutput: (stream: "stdout" | "stderr", chunk: Uint8Array) => void;
  readonly signal: AbortSignal;
}

/** A step that is being prepared or runs. */
export interface Step {
  readonly op: ExecOp;
  readonly options: StepOptions;
  readonly scope: Cleanup;
  readonly directory: string;
}

/** What the mounts of a step add to its container. */
export interface Prepared {
  readonly mounts: readonly (SpecMount & { readonly kind: MountPoint["kind"] })[];
  readonly env: readonly string[];
}

/** @param state what ended the program: `exit code: 1` */
export function runFailed(op: ExecOp, exitCode: number, state: string): LighterError {
  return new LighterError(
    "RUN_FAILED",
    `process ${JSON.stringify(op.args.join(" "))} did not complete successfully: ${state}`,
    { details: { args: op.args, exitCode } },
  );
}
