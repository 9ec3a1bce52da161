import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { LighterError, Limit } from "#base";
import type { Files, Locks } from "#host";
import type { Graph, Vertex, VertexId } from "#plan";
import type { SnapshotName, Snapshotter } from "#snapshot";
import type { RecordedTimes } from "../times/recorded-times.ts";
import { joinOrigins, type TimeOrigin, timesOfContent, writtenSince } from "../times/time-origin.ts";
import type { FilePool } from "../work/file-pool.ts";
import type { CacheRecord, CacheStore, PendingRecord } from "./cache-store.ts";
import type { Journal } from "./journal.ts";
import { type ContextReading, KeyMaker, type KnownResult } from "./key-maker.ts";
import { hashKey } from "./keys.ts";
import type { ContextResult, Result, TreeResult } from "./result.ts";
import { stepFailure } from "./step-failure.ts";

/** What the solver knows how to do with a vertex that is no cache's business: sources. */
export interface Sources {
  /** The identity of a source without getting it; for a context the files in place. */
  identify(vertex: Vertex, signal: AbortSignal): Promise<Result>;
  /** The tree of a source that a step needs. */
  fetch(vertex: Vertex, signal: AbortSignal): Promise<TreeResult>;
  /** Everything that the target needs has been identified and keyed. */
  probed?(): void;
}

/** Carries out a step that has to run. */
export type Execute = (
  vertex: Vertex,
  inputs: readonly Result[],
  run: StepRun,
) => Promise<{
  /** Absent: the tree is empty. */
  readonly snapshot?: SnapshotName;
  /** The result does not belong to the content it was keyed by: files changed while they were read. */
  readonly isUncertain?: boolean;
  /** The times of what it unpacked, in seconds. */
  readonly unpacked?: ReadonlySet<number>;
  /** Remembers how the result was made; called when it belongs to its key. */
  readonly keep?: (() => void) | undefined;
}>;

export interface StepRun {
  readonly signal: AbortSignal;
  /** Of what the step has written by now. */
  readonly origin: () => TimeOrigin;
  /** What is known of the files that it takes out of the context at a position of its inputs. */
  readonly reading: (input: number) => Promise<ContextReading | undefined>;
}

/**
 * Makes the result of a step out of what it gave before, without looking at files that have not changed.
 * @returns undefined when it has to be carried out
 */
export type Repeat = (...step: Parameters<Execute>) => Promise<Awaited<ReturnType<Execute>> | undefined>;

export interface SolverOptions {
  readonly graph: Graph;
  readonly cache: CacheStore;
  readonly snapshots: Snapshotter;
  readonly sources: Sources;
  readonly execute: Execute;
  readonly repeat?: Repeat;
  /** Copies a whole context into a snapshot. */
  readonly materialize: (input: ContextResult, signal: AbortSignal) => Promise<SnapshotName>;
  readonly journal: Journal;
  readonly recordedTimes: RecordedTimes;
  readonly host: { readonly files: Files; readonly locks: Locks };
  /** Directory of the locks by which concurrent builds run equal steps once. */
  readonly lockDirectory: string;
  /** An empty directory: the tree of `scratch`. */
  readonly emptyLayer: string;
  readonly jobs: number;
  /** Threads that read files. */
  readonly pool: FilePool;
  /** Records of other stores, asked when this one has none. */
  readonly imported?: { find(key: string): PendingRecord | undefined };
  /** Told when such a record leads to nothing. */
  readonly onLost?: (vertex: Vertex, error: unknown) => void;
}

/** What is known about a vertex before anything runs. */
interface Probe {
  /** Identity of the result, or the one it will get when nothing equal turns up. */
  readonly result: KnownResult;
  readonly definitionKey: string;
}

/**
 * Finds or makes the results of vertices, from the target back.
 *
 * First every vertex is probed with what is known without running anything: definition keys, and contents of contexts.
 * Then what the target needs is realised: inputs in parallel, each vertex once; a vertex whose inputs had to run gets a
 * second chance by the content of what it reads of them.
 */
export class Solver {
  readonly #options: SolverOptions;
  readonly #limit: Limit;
  readonly #probes = new Map<VertexId, Promise<Probe>>();
  readonly #results = new Map<VertexId, Promise<Result>>();
  readonly #keys: KeyMaker;
  readonly #stop = new AbortController();

  constructor(options: SolverOptions) {
    this.#options = options;
    this.#limit = new Limit(options.jobs);
    this.#keys = new KeyMaker({ ...options, files: options.host.files, signal: this.#stop.signal });
  }

  /** See {@link Solver.solveAll}. */
  async solve(id: VertexId, signal?: AbortSignal): Promise<TreeResult> {
    const [result] = await this.solveAll([id], signal);
    if (result === undefined) throw new LighterError("INTERNAL", `cannot solve: vertex ${id} has no result`);
    return result;
  }

  /** The results of the vertices; when one step fails, the others are cancelled and have ended when this throws. */
  async solveAll(ids: readonly VertexId[], signal?: AbortSignal): Promise<readonly TreeResult[]> {
    const stop = (): void => this.#stop.abort(signal?.reason);
    signal?.addEventListener("abort", stop, { once: true });
    if (signal?.aborted) stop();
    try {
      await Promise.all(ids.map((id) => this.#probe(id)));
      // Every key is made: what follows reads a context only to copy out of it.
      this.#options.sources.probed?.();
      const results = await Promise.all(ids.map((id) => this.#realiseTree(id)));
      // Work that kept the thread busy kept a Ctrl-C waiting: it is heard now, and not after the result is written.
      await new Promise(setImmediate);
      signal?.throwIfAborted();
      return results;
    } catch (error) {
      this.#stop.abort(error);
      await Promise.allSettled([...this.#probes.values(), ...this.#results.values()]);
      if (signal?.aborted)
        throw new LighterError("CANCELLED", "cannot finish the build: cancelled", { cause: error });
      throw this.#firstFailure ?? error;
    } finally {
      signal?.removeEventListener("abort", stop);
      this.#stop.abort();
    }
  }

  /**
   * What {@link Solver.solveAll} would do with each vertex, as far as it can be told before anything runs.
   * @param isUnknown sources of which nothing is known until they are fetched
   */
  async foresee(
    ids: readonly VertexId[],
    isUnknown: (vertex: Vertex) => boolean,
  ): Promise<ReadonlyMap<VertexId, Foreseen>> {
    const foreseen = new Map<VertexId, Foreseen>();
    const { cache } = this.#options;
    const look = async (id: VertexId): Promise<Foreseen> => {
      const known = foreseen.get(id);
      if (known !== undefined) return known;
      const vertex = this.#vertex(id);
      const { result } = await this.#probe(id);
      const state = isSource(vertex) ? (isUnknown(vertex) ? "get" : "known") : await miss(vertex, result);
      foreseen.set(id, state);
      return state;
    };
    const miss = async (vertex: Vertex, { kind }: KnownResult): Promise<Foreseen> => {
      if (kind === "tree") return "known";
      const inputs = await Promise.all(vertex.inputs.map(({ vertex: input }) => look(input)));
      // What is taken of a step may come out the same though the step runs.
      const isOpen = inputs.some(
        (input, at) => input === "maybe" || (input !== "known" && this.#keys.isOnlyRead(vertex, at)),
      );
      const mayBeKnown = (isOpen || inputs.includes("get")) && !vertex.ignoreCache && !cache.isEmpty;
      return mayBeKnown ? "maybe" : "run";
    };
    await Promise.all(ids.map(look));
    return foreseen;
  }

  async #realiseTree(id: VertexId): Promise<TreeResult> {
    const result = await this.#realise(id);
    return result.kind === "context" ? await this.#materialize(result) : result;
  }

  #firstFailure: unknown;

  /** The result of a vertex of the target's chain, when it is known. */
  async find(id: VertexId): Promise<TreeResult | undefined> {
    const result = await (this.#results.get(id) ?? this.#probe(id).then((probe) => probe.result));
    return result.kind === "tree" ? await fetched(result) : undefined;
  }

  /** The steps of which the result is known, with the keys that lead to it. */
  get known(): ReadonlyMap<VertexId, KnownVertex> {
    return this.#known;
  }

  readonly #known = new Map<VertexId, KnownVertex>();

  #know(
    vertex: Vertex,
    record: Pick<CacheRecord, "id" | "otherKey">,
    keys: readonly (string | undefined)[],
  ): void {
    const all = [...keys, record.otherKey].filter((key) => key !== undefined);
    this.#known.set(vertex.id, { id: record.id, keys: new Set(all) });
  }

  #probe(id: VertexId): Promise<Probe> {
    const known = this.#probes.get(id);
    if (known !== undefined) return known;
    const vertex = this.#vertex(id);
    const probe = this.#probeVertex(vertex).catch((error: unknown) => this.#fail(vertex, error));
    this.#probes.set(id, probe);
    return probe;
  }

  /** Notes what happened to the vertex and stops the others. */
  #fail(vertex: Vertex, thrown: unknown): never {
    const error = stepFailure(thrown);
    const isStopped = this.#stop.signal.aborted && error !== this.#firstFailure;
    if (isStopped) this.#options.journal.cancelled(vertex);
    else this.#options.journal.failed(vertex, error);
    if (!isStopped) this.#firstFailure ??= error;
    this.#stop.abort(error);
    throw error;
  }

  async #probeVertex(vertex: Vertex): Promise<Probe> {
    if (isSource(vertex)) {
      const result = await this.#options.sources.identify(vertex, this.#stop.signal);
      return { result, definitionKey: "" };
    }
    const inputs = await Promise.all(vertex.inputs.map(({ vertex: input }) => this.#probe(input)));
    const results = inputs.map((input) => input.result);
    const definitionKey = await this.#keys.definitionKey(vertex, results);
    // What runs again may give something else: nothing that is known of its users holds.
    if (vertex.ignoreCache) return { result: { kind: "predicted", id: randomUUID() }, definitionKey };
    const record = this.#lookUp(definitionKey);
    if (record === undefined) return { result: { kind: "predicted", id: definitionKey }, definitionKey };
    this.#options.journal.hit(vertex);
    this.#know(vertex, record, [definitionKey]);
    return { result: resultOf(record), definitionKey };
  }

  #vertex(id: VertexId): Vertex {
    const vertex = this.#options.graph.vertices.get(id);
    if (vertex === undefined)
      throw new LighterError("INTERNAL", `cannot solve: the graph has no vertex ${id}`);
    return vertex;
  }

  /** The record under a key, when what it leads to is still there. */
  #lookUp(key: string): CacheRecord | PendingRecord | undefined {
    const record = this.#options.cache.find(key);
    const isThere =
      record !== undefined &&
      (record.snapshot === undefined || this.#options.snapshots.find(record.snapshot) !== undefined);
    return isThere ? record : this.#options.imported?.find(key);
  }

  #realise(id: VertexId): Promise<Result> {
    const known = this.#results.get(id);
    if (known !== undefined) return known;
    const vertex = this.#vertex(id);
    const result = this.#realiseVertex(vertex).catch((error: unknown) => this.#fail(vertex, error));
    this.#results.set(id, result);
    return result;
  }

  async #realiseVertex(vertex: Vertex): Promise<Result> {
    const probe = await this.#probe(vertex.id);
    if (probe.result.kind === "context") return probe.result;
    if (isSource(vertex)) return await this.#options.sources.fetch(vertex, this.#stop.signal);
    if (probe.result.kind === "tree") {
      const result = await this.#present(vertex, probe.result);
      if (result !== undefined) return result;
    }
    const inputs = await this.#realiseInputs(vertex);
    this.#stop.signal.throwIfAborted();
    const definitionKey = await this.#keys.definitionKey(vertex, inputs);
    const keys = { definitionKey, contentKey: await this.#keys.contentKey(vertex, inputs) };
    const known = vertex.ignoreCache ? undefined : this.#lookUpBoth(keys);
    const present = known === undefined ? undefined : await this.#present(vertex, resultOf(known));
    if (known !== undefined && present !== undefined) {
      this.#options.journal.hit(vertex);
      this.#know(vertex, known, [keys.definitionKey, keys.contentKey]);
      return present;
    }
    return await this.#limit.run(() => this.#runOnce(vertex, inputs, keys));
  }

  /** A result of another store is brought here; when that fails the step runs. */
  async #present(vertex: Vertex, result: TreeResult): Promise<TreeResult | undefined> {
    if (result.fetch === undefined) return result;
    try {
      return await fetched(result);
    } catch (error) {
      this.#stop.signal.throwIfAborted();
      this.#options.onLost?.(vertex, error);
      return undefined;
    }
  }

  /** A context that a step changes or runs in, and does not only read, becomes a tree of the store. */
  async #realiseInputs(vertex: Vertex): Promise<readonly Result[]> {
    return await Promise.all(
      vertex.inputs.map(async ({ vertex: id }, at) => {
        const input = await this.#realise(id);
        return input.kind === "context" && !this.#keys.isOnlyRead(vertex, at)
          ? await this.#materialize(input)
          : input;
      }),
    );
  }

  async #materialize(input: ContextResult): Promise<TreeResult> {
    const id = await this.#keys.wholeContextKey(input);
    const known = this.#lookUp(id);
    if (known !== undefined) return resultOf(known);
    const isAsKeyed = await this.#keys.confirm("whole");
    const snapshot = await this.#options.materialize(input, this.#stop.signal);
    const record = {
      id: isAsKeyed ? id : hashKey(id, randomUUID()),
      snapshot,
      origin: joinOrigins([this.#keys.checkoutOrigin("whole")]),
      name: "context",
    };
    if (isAsKeyed) this.#options.cache.put(id, record);
    return resultOf(record);
  }

  #lookUpBoth(keys: Keys): CacheRecord | PendingRecord | undefined {
    const record = this.#lookUp(keys.definitionKey);
    if (record !== undefined || keys.contentKey === undefined) return record;
    const equal = this.#lookUp(keys.contentKey);
    if (equal !== undefined && !("fetch" in equal)) this.#options.cache.put(keys.definitionKey, equal);
    return equal;
  }

  /** Runs the step unless a concurrent build of the same store does, whose result is taken then. */
  async #runOnce(vertex: Vertex, inputs: readonly Result[], keys: Keys): Promise<Result> {
    const { host, lockDirectory, journal } = this.#options;
    this.#stop.signal.throwIfAborted();
    journal.started(vertex);
    const lockPath = join(lockDirectory, keys.contentKey ?? keys.definitionKey);
    using _lock = await host.locks.acquire(lockPath, "exclusive", this.#stop.signal);
    try {
      const known = vertex.ignoreCache ? undefined : this.#lookUpBoth(keys);
      if (known !== undefined && !("fetch" in known)) {
        journal.hit(vertex);
        this.#know(vertex, known, [keys.definitionKey, keys.contentKey]);
        return resultOf(known);
      }
      const result = await this.#run(vertex, inputs, keys);
      journal.finished(vertex);
      return result;
    } finally {
      // Who waits for it takes the lock of a file without a name, and looks the result up.
      rmSync(lockPath, { force: true });
    }
  }

  async #run(vertex: Vertex, inputs: readonly Result[], keys: Keys): Promise<Result> {
    const trees = inputs.filter((input) => input.kind === "tree");
    const startMs = Date.now();
    const origin = (): TimeOrigin =>
      joinOrigins([
        writtenSince(startMs),
        this.#keys.checkoutOrigin(vertex.id),
        ...trees.map((tree) => tree.origin),
      ]);
    const run: StepRun = {
      signal: this.#stop.signal,
      origin,
      reading: (input) => this.#keys.reading(vertex, input),
    };
    const repeated = vertex.ignoreCache ? undefined : await this.#options.repeat?.(vertex, inputs, run);
    const isAsKeyed = repeated !== undefined || (await this.#keys.confirm(vertex.id));
    const done = repeated ?? (await this.#options.execute(vertex, inputs, run));
    const { snapshot } = done;
    const isUncertain = done.isUncertain === true || !isAsKeyed;
    const record: CacheRecord = {
      // A step that was told to run again may give something else than last time: nothing built on that may match.
      id: vertex.ignoreCache || isUncertain ? hashKey(keys.definitionKey, randomUUID()) : keys.definitionKey,
      ...(snapshot !== undefined && { snapshot }),
      origin: joinOrigins([origin(), this.#unpackedOrigin(done.unpacked)]),
      name: vertex.name,
      ...(keys.contentKey !== undefined && { otherKey: keys.contentKey }),
    };
    if (!isUncertain) {
      done.keep?.();
      this.#know(vertex, record, [keys.definitionKey, keys.contentKey]);
      this.#options.cache.put(keys.definitionKey, record);
      if (keys.contentKey !== undefined) this.#options.cache.put(keys.contentKey, record);
    }
    return resultOf(record);
  }

  #unpackedOrigin(times: ReadonlySet<number> = new Set()): TimeOrigin {
    const name = this.#options.recordedTimes.put(times);
    return { ...timesOfContent, archives: name === undefined ? [] : [name] };
  }
}

/**
 * What will become of a vertex: its result is there, it runs, it runs unless what it takes comes out as it was before, or
 * it is fetched.
 */
export type Foreseen = "known" | "run" | "maybe" | "get";

/** The result of a step, by its identity, and the cache keys that lead to it. */
export interface KnownVertex {
  readonly id: string;
  readonly keys: ReadonlySet<string>;
}

interface Keys {
  readonly definitionKey: string;
  readonly contentKey: string | undefined;
}

function isSource({ op }: Vertex): boolean {
  return ["image", "local", "http", "upload", "git"].includes(op.kind);
}

function resultOf(record: CacheRecord | PendingRecord): TreeResult {
  const { id, origin } = record;
  if ("fetch" in record) return { kind: "tree", id, origin, fetch: () => record.fetch() };
  return { kind: "tree", id, origin, ...(record.snapshot !== undefined && { snapshot: record.snapshot }) };
}

async function fetched({ fetch, ...result }: TreeResult): Promise<TreeResult> {
  if (fetch === undefined) return result;
  const snapshot = await fetch();
  return { ...result, ...(snapshot !== undefined && { snapshot }) };
}
