import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay, setImmediate } from "node:timers/promises";
import { diskError, LighterError, systemErrorCode } from "#base";
import type { Host, Lock } from "#host";
import type { Digest } from "#oci";
import { ActiveDirectory } from "./active-directory.ts";
import {
  type DeferredFiles,
  deferredLayer,
  dropDeferred,
  type FillProgress,
  fillDeferred,
  hasDeferred,
  type LayerSource,
  writeDeferred,
} from "./deferred-files.ts";
import {
  Chains,
  forgetRecord,
  linkOf,
  listDirectories,
  listNames,
  namePath,
  type Paths,
  readRecord,
  type SnapshotRecord,
  writeRecord,
} from "./records.ts";
import { lockFile, removeHeld } from "./remove-held.ts";
import type { ActiveSnapshot, CompleteOptions, SnapshotName, Snapshotter } from "./snapshotter.ts";

/** Snapshots as directories; see {@link Paths}. */
export class DirectorySnapshotter implements Snapshotter {
  readonly #paths: Paths;
  readonly #host: Pick<Host, "locks" | "files">;
  readonly #layers: LayerSource | undefined;
  readonly #chains: Chains;
  /** Trees that are being completed with turns for others. */
  readonly #open = new Map<string, Generator<FillProgress, void, undefined>>();

  constructor(paths: Paths, host: Pick<Host, "locks" | "files">, layers?: LayerSource) {
    this.#paths = paths;
    this.#host = host;
    this.#layers = layers;
    this.#chains = new Chains(paths);
  }

  prepare(parent: SnapshotName | undefined): ActiveSnapshot {
    const chain = parent === undefined ? [] : this.#record(parent).chain;
    this.#fill(chain);
    try {
      return this.#createActive(parent, chain);
    } catch (error) {
      throw diskError(error, { verb: "make a snapshot below", object: this.#paths.snapshots });
    }
  }

  #createActive(parent: SnapshotName | undefined, chain: readonly string[]): ActiveSnapshot {
    const lower = chain.map((id) => join(this.#paths.snapshots, id, "fs"));
    for (;;) {
      const id = randomBytes(6).toString("hex");
      const directory = join(this.#paths.active, id);
      mkdirSync(directory, { mode: 0o700 });
      const lock = this.#tryLock(directory);
      // A sweep that looked between the two calls has taken it: take another name.
      if (lock === undefined) continue;
      writeRecord(directory, { parent, chain: [id, ...chain] });
      return new ActiveDirectory({ id, directory, lock, parent, lower });
    }
  }

  /** The lock of the owner, or undefined when another process has it or the directory went. */
  #tryLock(directory: string): Lock | undefined {
    try {
      return this.#host.locks.tryAcquire(join(directory, lockFile), "exclusive");
    } catch (error) {
      if (!existsSync(directory)) return undefined;
      throw error;
    }
  }

  commit(active: ActiveSnapshot, name: string, parent?: SnapshotName): SnapshotName {
    return this.#commit(active, name, { parent });
  }

  commitDeferred(active: ActiveSnapshot, name: string, deferred: DeferredFiles): SnapshotName {
    return this.#commit(active, name, { deferred });
  }

  #commit(
    active: ActiveSnapshot,
    name: string,
    { parent, deferred }: { readonly parent?: SnapshotName | undefined; readonly deferred?: DeferredFiles },
  ): SnapshotName {
    if (!(active instanceof ActiveDirectory))
      throw new LighterError("INTERNAL", "cannot commit a snapshot of another snapshotter");
    const directory = join(this.#paths.snapshots, active.id);
    namePath(this.#paths, name);
    const chain = parent === undefined ? undefined : this.#record(parent).chain;
    using _lock = active.end();
    try {
      if (chain !== undefined) writeRecord(active.directory, { parent, chain: [active.id, ...chain] });
      rmSync(active.work, { recursive: true, force: true });
      if (deferred !== undefined) {
        const record = readRecord(active.directory);
        if (record !== undefined) writeRecord(active.directory, { ...record, isDeferred: true });
        writeDeferred(active.directory, deferred);
      }
      renameSync(active.directory, directory);
      // Until the name leads here the lock alone keeps the directory.
      if (this.#publish(name, active.id)) rmSync(join(directory, lockFile), { force: true });
      else removeHeld(directory);
    } catch (error) {
      removeHeld(active.directory);
      throw diskError(error, { verb: "commit snapshot", object: name });
    }
    return name as SnapshotName;
  }

  /** Links the name to the directory. @returns false when the name stands already */
  #publish(name: string, id: string): boolean {
    const path = namePath(this.#paths, name);
    for (;;) {
      try {
        symlinkSync(`../${id}`, path);
        return true;
      } catch (error) {
        if (systemErrorCode(error) !== "EEXIST") throw error;
        if (this.find(name) !== undefined) return false;
        // It leads nowhere, or to a tree of which something was lost.
        rmSync(path, { recursive: true, force: true });
      }
    }
  }

  alias(name: SnapshotName, alias: string): SnapshotName {
    this.#publish(alias, this.#id(name));
    return alias as SnapshotName;
  }

  find(name: string): SnapshotName | undefined {
    const id = linkOf(this.#paths, name);
    return id !== undefined && this.#isWhole(id) ? (name as SnapshotName) : undefined;
  }

  /** Whether everything is there that the tree is made of: a build makes the step again otherwise. */
  #isWhole(id: string): boolean {
    return this.#chains.find(id)?.every((link) => this.#canFill(link)) === true;
  }

  /** Files that lie in a layer which is gone are lost, and the snapshot with them. */
  #canFill(id: string): boolean {
    const directory = join(this.#paths.snapshots, id);
    if (!hasDeferred(directory)) return true;
    const layer = deferredLayer(directory);
    // Filled meanwhile, by another process.
    if (layer === undefined) return !hasDeferred(directory);
    return this.#layers?.findSize(layer.digest) === layer.size;
  }

  layers(name: SnapshotName): readonly string[] {
    this.#fill(this.#record(name).chain);
    return this.places(name);
  }

  places(name: SnapshotName): readonly string[] {
    return this.#record(name).chain.map((id) => join(this.#paths.snapshots, id, "fs"));
  }

  changes(name: SnapshotName): string {
    const id = this.#id(name);
    this.#fill([id]);
    return join(this.#paths.snapshots, id, "fs");
  }

  deferredLayer(name: SnapshotName): Digest | undefined {
    return deferredLayer(join(this.#paths.snapshots, this.#id(name)))?.digest;
  }

  /** Trees from which files were left out get them. One process does it, others wait: who needs a tree can do nothing without. */
  #fill(ids: readonly string[]): void {
    for (const id of ids) {
      const directory = join(this.#paths.snapshots, id);
      // Whoever needs a tree at once does not wait for the turns of this process itself.
      for (const _ of this.#open.get(directory) ?? []);
      while (hasDeferred(directory)) {
        using lock = this.#host.locks.tryAcquire(join(directory, fillLock), "exclusive");
        if (lock === undefined) sleep();
        else if (hasDeferred(directory)) for (const _ of this.#filling(directory));
      }
    }
  }

  async complete(name: SnapshotName, options: CompleteOptions = {}): Promise<void> {
    for (const id of this.#record(name).chain) {
      const directory = join(this.#paths.snapshots, id);
      while (hasDeferred(directory)) {
        using lock = this.#host.locks.tryAcquire(join(directory, fillLock), "exclusive");
        if (lock === undefined) await pause(options.signal);
        else if (hasDeferred(directory)) await this.#fillInTurns(directory, options);
      }
    }
  }

  async #fillInTurns(directory: string, options: CompleteOptions): Promise<void> {
    const filling = this.#filling(directory);
    this.#open.set(directory, filling);
    try {
      await takingTurns(filling, options);
    } finally {
      this.#open.delete(directory);
    }
  }

  *#filling(directory: string): Generator<FillProgress, void, undefined> {
    if (this.#layers === undefined)
      throw new LighterError(
        "INTERNAL",
        `cannot fill "${directory}": the snapshots were opened without layers`,
      );
    try {
      yield* fillDeferred(directory, { layers: this.#layers, host: this.#host });
      const record = readRecord(directory);
      if (record !== undefined) writeRecord(directory, { ...record, isDeferred: false });
      dropDeferred(directory);
      rmSync(join(directory, fillLock), { force: true });
    } catch (error) {
      throw diskError(error, { verb: "lay out the files of", object: directory });
    }
  }

  parent(name: SnapshotName): SnapshotName | undefined {
    return this.#record(name).parent;
  }

  remove(name: SnapshotName): void {
    const id = this.#id(name);
    const isLastName = listNames(this.#paths).every((link) => link.id !== id || link.name === name);
    if (isLastName) this.#checkUnused(name, id);
    rmSync(namePath(this.#paths, name), { force: true });
    if (isLastName) this.#removeUnlocked(join(this.#paths.snapshots, id));
  }

  #checkUnused(name: SnapshotName, id: string): void {
    const { snapshots, active } = this.#paths;
    const others = [snapshots, active].flatMap((parent) =>
      listDirectories(parent).map((other) => join(parent, other)),
    );
    if (others.some((other) => readRecord(other)?.chain.slice(1).includes(id)))
      throw new LighterError(
        "SNAPSHOT_IN_USE",
        `cannot remove snapshot "${name}": another snapshot is built on it; remove that one first`,
      );
  }

  setAside(name: SnapshotName): void {
    forgetRecord(join(this.#paths.snapshots, this.#id(name)));
  }

  list(): readonly SnapshotName[] {
    return listNames(this.#paths)
      .filter(({ id }) => this.#isWhole(id))
      .map(({ name }) => name as SnapshotName);
  }

  collect(isUsed: (name: SnapshotName) => boolean): number {
    this.sweep();
    const names = listNames(this.#paths);
    const kept = this.#idsInUse(names.filter(({ name }) => isUsed(name as SnapshotName)));
    let removed = 0;
    for (const { name, id } of names) {
      if (kept.has(id)) continue;
      rmSync(namePath(this.#paths, name), { force: true });
      removed += 1;
    }
    const named = new Set(listNames(this.#paths).map(({ id }) => id));
    for (const id of listDirectories(this.#paths.snapshots))
      if (!named.has(id) && !kept.has(id)) this.#removeUnlocked(join(this.#paths.snapshots, id));
    return removed;
  }

  /** The directories below the given names and below everything that is being written. */
  #idsInUse(names: readonly { readonly id: string }[]): ReadonlySet<string> {
    const { snapshots, active } = this.#paths;
    const tops = names.map(({ id }) => join(snapshots, id));
    const writing = listDirectories(active).map((id) => join(active, id));
    return new Set([...tops, ...writing].flatMap((directory) => readRecord(directory)?.chain ?? []));
  }

  sweep(): void {
    for (const id of listDirectories(this.#paths.active)) this.#removeUnlocked(join(this.#paths.active, id));
  }

  #removeUnlocked(directory: string): void {
    using lock = this.#tryLock(directory);
    if (lock !== undefined) removeHeld(directory);
  }

  #id(name: SnapshotName): string {
    const [id = ""] = this.#record(name).chain;
    return id;
  }

  #record(name: SnapshotName): SnapshotRecord {
    const id = linkOf(this.#paths, name);
    const record = id === undefined ? undefined : readRecord(join(this.#paths.snapshots, id));
    if (record === undefined)
      throw new LighterError(
        "SNAPSHOT_NOT_FOUND",
        `cannot use snapshot "${name}": it is not in the store; build or unpack it again`,
      );
    return record;
  }
}

const fillLock = "fill.lock";
const patienceMs = 20;
/** Others get a turn after so long. */
const turnMs = 30;

async function takingTurns(
  work: Generator<FillProgress, void, undefined>,
  { onProgress, signal }: CompleteOptions,
): Promise<void> {
  let since = performance.now();
  for (const progress of work) {
    onProgress?.(progress);
    if (performance.now() - since < turnMs) continue;
    await setImmediate();
    if (signal?.aborted) throw cancelled();
    since = performance.now();
  }
}

async function pause(signal: AbortSignal | undefined): Promise<void> {
  await delay(patienceMs);
  if (signal?.aborted) throw cancelled();
}

function cancelled(): LighterError {
  return new LighterError("CANCELLED", "cannot lay out the image: cancelled");
}

/** Holds the thread for a moment. */
function sleep(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, patienceMs);
}
