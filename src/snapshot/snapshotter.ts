import type { Digest } from "#oci";
import type { DeferredFiles, FillProgress } from "./deferred-files.ts";

/**
 * A snapshot is a directory tree made of layers.
 *
 * - An *active* snapshot is being written: it has an upper directory on top of its parent's layers.
 * - A *committed* snapshot never changes again and may be a parent.
 *
 * Building one layer: `prepare(parent)` gives an active snapshot; write through `mount()` (merged view) or, when
 * nothing of the parent matters, straight into `upper`; `commit(active, name)`. If anything fails, disposing the active
 * snapshot removes it; if the process dies, the next `sweep` does.
 */
export interface Snapshotter {
  /** Starts an active snapshot on `parent` (undefined: empty). Caller disposes. @throws SNAPSHOT_NOT_FOUND */
  prepare(parent: SnapshotName | undefined): ActiveSnapshot;
  /**
   * Gives the active snapshot a name and ends it. Atomic and idempotent: when `name` exists already, that one stands and
   * the active one is dropped. With `parent` it is put on one that was not there yet when it was prepared (on none).
   */
  commit(active: ActiveSnapshot, name: string, parent?: SnapshotName): SnapshotName;
  /** {@link Snapshotter.commit} of a tree that lacks files it is to have: they are laid out when the tree is asked for. */
  commitDeferred(active: ActiveSnapshot, name: string, deferred: DeferredFiles): SnapshotName;
  find(name: string): SnapshotName | undefined;
  /** The layer directories of a committed snapshot, top first: what an overlay takes as lower directories. */
  layers(name: SnapshotName): readonly string[];
  /**
   * Lays out the files of the tree that nobody has needed yet, as {@link Snapshotter.layers} would at once, but with turns for
   * others. @throws CANCELLED, and what reading the layer throws
   */
  complete(name: SnapshotName, options?: CompleteOptions): Promise<void>;
  /** The same directories as they are now, files that nobody has needed yet left out: for who measures them. */
  places(name: SnapshotName): readonly string[];
  /** The directory with only the changes this snapshot made on its parent (overlay form: whiteouts are 0:0 devices). */
  changes(name: SnapshotName): string;
  parent(name: SnapshotName): SnapshotName | undefined;
  /** The layer in which files of the snapshot lie that nobody has needed yet: without it the snapshot is lost. */
  deferredLayer(name: SnapshotName): Digest | undefined;
  /** A second name for the same committed snapshot: the name that stands already stays. @throws SNAPSHOT_NOT_FOUND */
  alias(name: SnapshotName, alias: string): SnapshotName;
  /** Removes a name, and with its last name the snapshot. @throws SNAPSHOT_NOT_FOUND, SNAPSHOT_IN_USE (another is built on it) */
  remove(name: SnapshotName): void;
  /** Forgets a tree that was found damaged: from now on it and what is built on it are not there, and are made again. */
  setAside(name: SnapshotName): void;
  /**
   * Removes every snapshot of which no name is used and on which nothing used or active is built. Returns names removed.
   * The caller holds the store's collection lock: a snapshot just looked up by another process must not go.
   */
  collect(isUsed: (name: SnapshotName) => boolean): number;
  list(): readonly SnapshotName[];
  /** Removes what dead processes left behind (active snapshots whose owner's lock is free). */
  sweep(): void;
}

export interface CompleteOptions {
  readonly onProgress?: ((progress: FillProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The name of a committed snapshot; image layers use their chainID. */
export type SnapshotName = string & { readonly brand: "SnapshotName" };

export interface ActiveSnapshot extends AsyncDisposable {
  readonly parent: SnapshotName | undefined;
  /** Where changes land. */
  readonly upper: string;
  /** Overlay's work directory, on the same filesystem. */
  readonly work: string;
  /** Lower directories, top first; empty when there is no parent. */
  readonly lower: readonly string[];
}
