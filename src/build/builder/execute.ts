import { randomBytes } from "node:crypto";
import { LighterError } from "#base";
import type { Host } from "#host";
import type { ImageStore, LayerTimes } from "#image";
import type { BindMount, CacheMount, ExecOp, FileOp, MergeOp, Vertex, VertexId } from "#plan";
import type { Runtime } from "#runtime";
import type { ActiveSnapshot, SnapshotName, Snapshotter } from "#snapshot";
import { copySource } from "../copy/copy-source.ts";
import { Deferral } from "../copy/deferral.ts";
import { type EarlierCopies, openEarlierCopies } from "../copy/earlier-copies.ts";
import { select } from "../copy/selection.ts";
import { UpperWriter } from "../copy/upper-writer.ts";
import type { NetworkPool } from "../exec/network-pool.ts";
import { requireProcessor } from "../exec/require-processor.ts";
import type { FindAgent, FindSecret } from "../exec/secret-files.ts";
import type { MountSource, StepOptions } from "../exec/step.ts";
import { runFileOp } from "../ops/file-op.ts";
import { wholeOf } from "../solve/keys.ts";
import type { ContextResult, Result } from "../solve/result.ts";
import type { Execute, StepRun } from "../solve/solver.ts";
import type { TimeOrigin } from "../times/time-origin.ts";
import { LayeredTree } from "../tree/layered-tree.ts";
import { hasWildcard } from "../tree/patterns.ts";
import { resolveInTree } from "../tree/resolve.ts";
import type { Tree } from "../tree/tree.ts";
import type { FilePool } from "../work/file-pool.ts";
import type { EventJournal } from "./event-journal.ts";
import { newName } from "./new-name.ts";
import type { BuildPaths } from "./paths.ts";
import { keepCopy } from "./repeat-copy.ts";
import type { BuildRequest } from "./request.ts";

export interface ExecuteOptions {
  readonly host: Host;
  readonly snapshots: Snapshotter;
  /** Found when the first step has to run. */
  readonly findRuntime: () => Promise<Runtime>;
  readonly networks: NetworkPool;
  readonly defaultNetwork: string;
  readonly cgroupParent: string | undefined;
  readonly limits: BuildRequest["limits"];
  readonly paths: BuildPaths;
  readonly journal: EventJournal;
  readonly findSecret: FindSecret;
  readonly findAgent: FindAgent;
  readonly allow: ReadonlySet<string>;
  readonly onStepFailure: BuildRequest["onStepFailure"];
  readonly findTools: () => Promise<readonly string[] | undefined>;
  /** Threads that read and copy files. */
  readonly pool: FilePool;
  readonly images: Pick<ImageStore, "commitDeferred" | "commitChanged">;
  /** Steps whose tree nobody needs in this build, only its layer. */
  readonly deferrable: ReadonlySet<VertexId>;
  /** The times of a layer of a step with this origin. */
  readonly layerTimes: (origin: TimeOrigin) => LayerTimes;
}

/** Carries out file, merge and exec vertices, each in a snapshot of its own that goes when it fails. */
export function createExecute(options: ExecuteOptions): Execute {
  return async (vertex, inputs, run) => {
    const { op } = vertex;
    const task: Task = { options, vertex, inputs, ...run };
    switch (op.kind) {
      case "file":
        return await executeFile(op, task);
      case "exec":
        return await executeExec(op, task);
      case "merge":
        return await executeMerge(op, task);
      case "image":
      case "local":
      case "http":
      case "upload":
      case "git":
        throw new LighterError("INTERNAL", `cannot execute a vertex of kind ${op.kind}`);
    }
  };
}

interface Task extends StepRun {
  readonly options: ExecuteOptions;
  readonly vertex: Vertex;
  readonly inputs: readonly Result[];
}

function snapshotOf(input: Result | undefined): SnapshotName | undefined {
  return input?.kind === "tree" ? input.snapshot : undefined;
}

async function executeFile(op: FileOp, task: Task): ReturnType<Execute> {
  const { snapshots, host } = task.options;
  const parent = op.base === undefined ? undefined : snapshotOf(task.inputs[op.base]);
  await using active = snapshots.prepare(parent);
  const writer = writerOf(active, host);
  const earlier = earlierCopies(op, task);
  const isDeferrable = task.options.deferrable.has(task.vertex.id) && op.actions.length === 1;
  const deferral = isDeferrable ? new Deferral() : undefined;
  const unpacked = new Set<number>();
  const changed = await runFileOp(op, {
    writer,
    host,
    pool: task.options.pool,
    earlier,
    deferral,
    unpacked,
    isBare: (input) => isBare(input === undefined ? undefined : task.inputs[input]),
    source: (input) => sourceTree(input === undefined ? undefined : task.inputs[input], task.options),
    warn: (sentence) =>
      task.options.journal.output(task.vertex, "stderr", Buffer.from(`warning: ${sentence}\n`)),
    signal: task.signal,
  });
  if (deferral !== undefined && deferral.files.length > 0) {
    await task.options.pool.rest();
    const times = task.options.layerTimes(task.origin());
    const options = { name: newName(), files: deferral.files, times, signal: task.signal };
    const done = await task.options.images.commitDeferred(active, options);
    return {
      snapshot: done.snapshot,
      isUncertain: changed.length + done.changed.length > 0,
      keep: await keepCopy(task, { snapshot: done.snapshot, target: deferral.target }),
    };
  }
  const isUncertain = changed.length > 0;
  const snapshot = snapshots.commit(active, newName());
  if (!isUncertain) earlier?.keep(snapshot);
  return { snapshot, isUncertain, unpacked };
}

/** A context has read the attributes of its files for their sums. */
function isBare(input: Result | undefined): ((path: string) => boolean) | undefined {
  return input?.kind === "context" ? (path) => input.source.isBare(path) : undefined;
}

/** Only where one source is laid at one place is a file's path enough to know it by. */
function earlierCopies(op: FileOp, { inputs, options }: Task): EarlierCopies | undefined {
  const [action, ...others] = op.actions;
  if (action?.kind !== "copy" || others.length > 0 || action.input === undefined) return undefined;
  const input = inputs[action.input];
  if (input?.kind !== "context" || (action.wildcard && hasWildcard(action.source))) return undefined;
  return openEarlierCopies(options.paths.copies, {
    operation: JSON.stringify(op),
    source: input.source,
    snapshots: options.snapshots,
  });
}

function writerOf(active: Pick<ActiveSnapshot, "upper" | "lower">, host: Host): UpperWriter {
  const tree = new LayeredTree([active.upper, ...active.lower], host.files);
  return new UpperWriter({ upper: active.upper, tree, files: host.files });
}

function sourceTree(input: Result | undefined, { snapshots, host, paths }: ExecuteOptions): Tree {
  if (input?.kind === "context") return input.source.tree;
  const layers = input?.snapshot === undefined ? [paths.empty] : snapshots.layers(input.snapshot);
  return new LayeredTree(layers, host.files);
}

/** Lays the later trees on the first: what stands in their way is replaced, directories are joined. */
async function executeMerge(_op: MergeOp, task: Task): ReturnType<Execute> {
  const { snapshots, host } = task.options;
  const [base, ...others] = task.inputs;
  await using active = snapshots.prepare(snapshotOf(base));
  const writer = writerOf(active, host);
  for (const other of others)
    await copyTree(writer, sourceTree(other, task.options), {
      from: "/",
      to: "/",
      host,
      pool: task.options.pool,
      signal: task.signal,
    });
  return { snapshot: snapshots.commit(active, newName()) };
}

async function executeExec(op: ExecOp, task: Task): ReturnType<Execute> {
  const { options, vertex, signal } = task;
  requireEntitlements(op, options.allow);
  // What runs steps is loaded when one has to run: most builds are cached.
  const { runStep } = await import("../exec/run-step.ts");
  const runtime = await options.findRuntime();
  await using active = options.snapshots.prepare(
    op.root === undefined ? undefined : snapshotOf(task.inputs[op.root]),
  );
  requireProcessor(op, active.lower, options.host);
  {
    await using materialized = new Materialized(options);
    await runStep(op, {
      id: `build-${randomBytes(6).toString("hex")}`,
      snapshot: active,
      host: options.host,
      runtime,
      networks: options.networks,
      defaultNetwork: options.defaultNetwork,
      cgroupParent: options.cgroupParent,
      limits: options.limits,
      onFailure: failureHandler(task),
      findTools: options.findTools,
      runDirectory: options.paths.run,
      cacheDirectory: options.paths.mounts,
      ignoreCache: vertex.ignoreCache,
      findSecret: options.findSecret,
      findAgent: options.findAgent,
      bindSource: (mount) => bindSource(mount, task, materialized),
      seedCache: (mount, directory) => seedCache(mount, directory, task),
      onOutput: (stream, chunk) => options.journal.output(vertex, stream, chunk),
      signal,
    });
  }
  return { snapshot: options.snapshots.commit(active, newName()) };
}

function failureHandler({ options, vertex, signal }: Task): StepOptions["onFailure"] {
  const { onStepFailure } = options;
  if (onStepFailure === undefined) return undefined;
  return async (error, openShell) => {
    // Of several steps that fail the first is the one that the build fails with.
    if (signal.aborted) return;
    await onStepFailure({
      step: vertex.id,
      name: vertex.name,
      message: error.message,
      exitCode: Number(error.details["exitCode"]),
      openShell,
    });
  };
}

function requireEntitlements(op: ExecOp, allow: ReadonlySet<string>): void {
  const wanted = [
    ...(op.network === "host" ? ["network.host"] : []),
    ...(op.security === "insecure" ? ["security.insecure"] : []),
  ];
  const missing = wanted.find((name) => !allow.has(name));
  if (missing !== undefined)
    throw new LighterError(
      "ENTITLEMENT_MISSING",
      `${missing} is not allowed: a Dockerfile may not take it by itself; grant it with --allow ${missing}`,
    );
}

/** Copies of what steps bind out of a context, made for the step and thrown away after it. */
class Materialized implements AsyncDisposable {
  readonly #options: ExecuteOptions;
  readonly #active: ActiveSnapshot[] = [];

  constructor(options: ExecuteOptions) {
    this.#options = options;
  }

  /** A layer with a copy of `path` and everything below it, owned by root as a context is. */
  async copy(input: ContextResult, path: string, signal: AbortSignal): Promise<string> {
    const active = this.#options.snapshots.prepare(undefined);
    this.#active.push(active);
    const writer = writerOf(active, this.#options.host);
    const source = input.source.tree;
    const { host, pool } = this.#options;
    await copyTree(writer, source, { from: path, to: `/${path}`, host, pool, signal });
    return active.upper;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const active of this.#active) await active[Symbol.asyncDispose]();
  }
}

/** Copies a whole context into a snapshot: the base of `FROM` a named context. */
export async function materializeContext(
  input: ContextResult,
  options: Pick<ExecuteOptions, "snapshots" | "host" | "pool">,
  signal: AbortSignal,
): Promise<SnapshotName> {
  const { snapshots, host, pool } = options;
  await using active = snapshots.prepare(undefined);
  const source = input.source.tree;
  await copyTree(writerOf(active, host), source, { from: "/", to: "/", host, pool, signal });
  return snapshots.commit(active, newName());
}

interface TreeCopy {
  readonly from: string;
  readonly to: string;
  readonly host: Host;
  readonly pool: FilePool;
  readonly signal: AbortSignal;
}

/** Copies a file, or a directory's contents, with everything as it is; what stands in the way is replaced. */
async function copyTree(writer: UpperWriter, source: Tree, copy: TreeCopy): Promise<void> {
  for (const selected of select(source, wholeOf(copy.from)))
    await copySource(writer, selected, {
      destination: copy.to,
      contentsOnly: true,
      replaceExisting: true,
      owner: undefined,
      mode: undefined,
      directoryMode: 0o755,
      files: copy.host.files,
      pool: copy.pool,
      signal: copy.signal,
    });
}

async function bindSource(mount: BindMount, task: Task, materialized: Materialized): Promise<MountSource> {
  const { snapshots, host, paths } = task.options;
  const input = mount.input === undefined ? undefined : task.inputs[mount.input];
  if (input?.kind === "context") {
    const { tree } = input.source;
    const path = resolveInTree(tree, mount.source, true);
    const entry = tree.find(path);
    if (entry === undefined) throw sourceMissing(mount);
    const layer = await materialized.copy(input, path, task.signal);
    return { layers: [layer], path, isDirectory: entry.kind === "directory" };
  }
  const layers = input?.snapshot === undefined ? [paths.empty] : snapshots.layers(input.snapshot);
  const tree = new LayeredTree(layers, host.files);
  const path = resolveInTree(tree, mount.source, true);
  const entry = tree.find(path);
  if (entry === undefined) throw sourceMissing(mount);
  return { layers, path, isDirectory: entry.kind === "directory" };
}

function sourceMissing(mount: BindMount): LighterError {
  const path = mount.source.startsWith("/") ? mount.source : `/${mount.source}`;
  return new LighterError("COPY_SOURCE_NOT_FOUND", `"${path}": not found`, { details: { path } });
}

async function seedCache(mount: CacheMount, directory: string, task: Task): Promise<void> {
  const { host, pool } = task.options;
  const input = mount.input === undefined ? undefined : task.inputs[mount.input];
  const writer = writerOf({ upper: directory, lower: [] }, host);
  const source = sourceTree(input, task.options);
  await copyTree(writer, source, { from: mount.source, to: "/", host, pool, signal: task.signal });
}
