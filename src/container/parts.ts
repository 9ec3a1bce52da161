import type { EventLog } from "#events";
import type { Host } from "#host";
import type { ImageStore } from "#image";
import type { NetworkProvider, Runtime, RuntimeName } from "#runtime";
import type { Snapshotter } from "#snapshot";
import type { ContainerStore } from "./container-store.ts";
import type { TakeTurns } from "./take-turns.ts";
import type { VolumeStore } from "./volume-store.ts";

/** What containers are made of. */
export interface ContainersOptions {
  /** The store; records are in `<root>/containers`, what runs is claimed in `<root>/run`. */
  readonly root: string;
  readonly host: Host;
  readonly images: Pick<ImageStore, "unpack" | "commitLayer" | "create">;
  readonly snapshots: Pick<Snapshotter, "layers" | "prepare" | "commit">;
  /** Asked for when the first container runs: the one of that name, else the best that works. */
  readonly runtime: (name?: RuntimeName) => Promise<Runtime>;
  readonly network: NetworkProvider;
  readonly events: EventLog;
  /** Keeps the collector of the store away while something is made that no record names yet. */
  readonly use: () => Promise<Disposable>;
  /** A command that removes what a detached container leaves; its monitor becomes it in the end. */
  readonly tidyCommand?: readonly string[];
  /** Receives sentences worth showing that are no failures. */
  readonly onWarning?: (text: string) => void;
}

/** The same, opened. */
export interface Parts extends ContainersOptions {
  readonly store: ContainerStore;
  readonly volumes: VolumeStore;
  readonly runDirectory: string;
  /** One mount at a time is handed from this process to a monitor. */
  readonly turns: TakeTurns;
}
