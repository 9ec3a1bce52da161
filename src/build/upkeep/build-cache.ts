import type { Locks } from "#host";
import type { ImageStore } from "#image";
import { chainId } from "#oci";
import type { Snapshotter } from "#snapshot";
import type { BuildPaths } from "../builder/paths.ts";
import type { CacheStore } from "../solve/cache-store.ts";
import { CacheMounts, type StoredMount } from "./cache-mounts.ts";
import { forgetUnused } from "./forget-unused.ts";
import { SnapshotSizes } from "./sizes.ts";

/** One thing that the build cache holds. */
export interface CacheEntry {
  readonly kind: "step" | "mount";
  /** What `builder prune` and people call it: the start of a key, the id of a mount. */
  readonly id: string;
  readonly name: string;
  /** What only this entry keeps on disk, without what it shares with images and steps below it. */
  readonly sizeBytes: number;
  readonly lastUsedMs: number;
  /** An image stands on it: removing the entry frees nothing. */
  readonly isShared: boolean;
}

export interface PruneOptions {
  /** Also what images stand on, and cache mounts. */
  readonly all?: boolean;
  /** Removes what was not used for longest until what is left is not more than this, cache mounts included. */
  readonly keepBytes?: number;
  /** Of what would go, only these. @defaultValue all of it */
  readonly where?: (entry: CacheEntry) => boolean;
}

interface StepEntry extends CacheEntry {
  readonly keys: readonly string[];
  /** Directories of the tree, top first. */
  readonly layers: readonly string[];
}

export interface BuildCacheParts {
  /** Of the store. */
  readonly root: string;
  readonly paths: BuildPaths;
  readonly cache: CacheStore;
  readonly snapshots: Snapshotter;
  readonly images: ImageStore;
  readonly locks: Locks;
}

/** The results of steps and the cache mounts of a store, for those who look after its size. */
export class BuildCache {
  readonly #parts: BuildCacheParts;
  readonly #sizes: SnapshotSizes;
  readonly mounts: CacheMounts;

  constructor(parts: BuildCacheParts) {
    this.#parts = parts;
    this.#sizes = new SnapshotSizes(parts.paths.sizes);
    this.mounts = new CacheMounts(parts.paths.mounts, parts.locks);
  }

  /** Everything in the cache, what was used last first. */
  list(): readonly CacheEntry[] {
    const mounts = this.mounts.list().map(mountEntry);
    return [...this.#steps(), ...mounts].sort((a, b) => b.lastUsedMs - a.lastUsedMs);
  }

  /** Records of one tree are one entry. */
  #steps(): readonly StepEntry[] {
    const imageLayers = this.#imageLayers();
    const groups = new Map<
      string,
      { keys: string[]; layers: readonly string[]; name: string; lastUsedMs: number }
    >();
    for (const { key, record, lastUsedMs } of this.#parts.cache.entries()) {
      const { snapshot, name } = record;
      const isThere = snapshot === undefined || this.#parts.snapshots.find(snapshot) !== undefined;
      const layers = snapshot === undefined || !isThere ? [] : this.#parts.snapshots.places(snapshot);
      const group = groups.get(layers[0] ?? key) ?? { keys: [], layers, name, lastUsedMs };
      group.keys.push(key);
      group.lastUsedMs = Math.max(group.lastUsedMs, lastUsedMs);
      groups.set(layers[0] ?? key, group);
    }
    return [...groups.values()].map((group) => this.#step(group, imageLayers));
  }

  #step(
    group: Pick<StepEntry, "keys" | "layers" | "name" | "lastUsedMs">,
    imageLayers: ReadonlySet<string>,
  ): StepEntry {
    const [top] = group.layers;
    const isShared = top !== undefined && imageLayers.has(top);
    return {
      ...group,
      kind: "step",
      id: (group.keys[0] ?? "").slice(0, 12),
      isShared,
      sizeBytes: top === undefined ? 0 : this.#sizes.of(top),
    };
  }

  /** Directories that trees of images consist of. */
  #imageLayers(): ReadonlySet<string> {
    const { images, snapshots } = this.#parts;
    const layers = new Set<string>();
    for (const { config } of images.list()) {
      const name = snapshots.find(chainId(config.rootfs.diff_ids) ?? "none");
      for (const layer of name === undefined ? [] : snapshots.places(name)) layers.add(layer);
    }
    return layers;
  }

  /**
   * Forgets results and removes cache mounts; the space of results is given back when the store is collected. What builds
   * remember of contexts, steps and web files goes too when it was not used for some days, or with `all`.
   * @returns what was removed
   */
  prune(options: PruneOptions = {}): readonly CacheEntry[] {
    const steps = this.#steps();
    const mounts = this.mounts.list();
    const isAll = options.all === true;
    const chosen =
      options.keepBytes === undefined
        ? [...steps.filter((step) => isAll || !step.isShared), ...(isAll ? mounts.map(mountEntry) : [])]
        : this.#overLimit(steps, mounts, options.keepBytes);
    const { keepBytes, where = () => true } = options;
    const removed = chosen.filter((entry) => where(entry) && this.#remove(entry, steps));
    forgetUnused(this.#parts, { all: isAll && keepBytes === undefined && options.where === undefined });
    return removed;
  }

  /** Oldest first, until what is left fits: trees share directories, and one is freed when its last user goes. */
  #overLimit(
    steps: readonly StepEntry[],
    mounts: readonly StoredMount[],
    keepBytes: number,
  ): readonly CacheEntry[] {
    const imageLayers = this.#imageLayers();
    const users = new Map<string, number>();
    const own = (step: StepEntry): readonly string[] =>
      step.layers.filter((layer) => !imageLayers.has(layer));
    for (const step of steps) for (const layer of own(step)) users.set(layer, (users.get(layer) ?? 0) + 1);
    let total = [...users.keys()].reduce((sum, layer) => sum + this.#sizes.of(layer), 0);
    total += mounts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const byAge = new Map(steps.map((step) => [step.id, step]));
    // What images keep anyway frees nothing.
    const freeing = steps.filter((step) => own(step).length > 0);
    const oldest = [...freeing, ...mounts.map(mountEntry)].sort((a, b) => a.lastUsedMs - b.lastUsedMs);
    const chosen: CacheEntry[] = [];
    for (const entry of oldest) {
      if (total <= keepBytes) break;
      chosen.push(entry);
      const step = entry.kind === "step" ? byAge.get(entry.id) : undefined;
      if (step === undefined) total -= entry.sizeBytes;
      else
        for (const layer of own(step)) {
          const left = (users.get(layer) ?? 1) - 1;
          users.set(layer, left);
          if (left === 0) total -= this.#sizes.of(layer);
        }
    }
    return chosen;
  }

  #remove(entry: CacheEntry, steps: readonly StepEntry[]): boolean {
    if (entry.kind === "mount") return this.mounts.tryRemove(entry.id);
    const step = steps.find(({ id }) => id === entry.id);
    for (const key of step?.keys ?? []) this.#parts.cache.remove(key);
    return true;
  }
}

function mountEntry({ id, sizeBytes, lastUsedMs }: StoredMount): CacheEntry {
  return { kind: "mount", id, name: `cache mount ${id}`, sizeBytes, lastUsedMs, isShared: false };
}
