import { Cleanup, errorMessage, isLighterError, LighterError } from "#base";
import { codeFrame } from "#dockerfile";
import { digestOf, familiarReference, parseBaseReference } from "#oci";
import type { Vertex, VertexId } from "#plan";
import { CacheRun } from "../cache/cache-run.ts";
import type { ImportedCache } from "../cache/import-cache.ts";
import type { BuildEvent } from "../events.ts";
import { NetworkPool } from "../exec/network-pool.ts";
import { type Explanations, openExplanations } from "../explain/explain.ts";
import { ExportRun } from "../export/export-run.ts";
import { type LayerMaking, timesInLayer } from "../export/platform-image.ts";
import { LockFile } from "../lock/lock-file.ts";
import { createRemoteSources } from "../remote/remote-sources.ts";
import type { CacheStore } from "../solve/cache-store.ts";
import { Solver, type SolverOptions, type Sources } from "../solve/solver.ts";
import { type LayerOrigins, openLayerOrigins } from "../times/layer-origins.ts";
import { openRecordedTimes, type RecordedTimes } from "../times/recorded-times.ts";
import { FilePool } from "../work/file-pool.ts";
import {
  contextName,
  defaultNetwork,
  directoriesOf,
  findBase,
  onceOnly,
  resolvedBases,
  targetsOf,
} from "./build-facts.ts";
import type { BuilderOptions } from "./create-builder.ts";
import { deferrableSteps } from "./deferrable-steps.ts";
import { EventJournal } from "./event-journal.ts";
import { createExecute, type ExecuteOptions, materializeContext } from "./execute.ts";
import { type InputTools, openInput } from "./open-input.ts";
import type { BuildPaths } from "./paths.ts";
import { type BaseLookup, baseName, hostPlatform } from "./plan-build.ts";
import { type PlannedPlatforms, planPlatforms } from "./plan-platforms.ts";
import { basesAtHand, type Preview, previewOf, unknownOrigin, withoutFetching } from "./preview.ts";
import type { BuildInput } from "./read-dockerfile.ts";
import { createRepeat } from "./repeat-copy.ts";
import { type BuildOutcome, type BuildRequest, defaultEpochSeconds } from "./request.ts";
import { type BuildSources, createSources } from "./sources.ts";

/** What every build of one builder shares. */
export interface Parts {
  readonly options: BuilderOptions;
  readonly paths: BuildPaths;
  readonly cache: CacheStore;
}

const gettingBases = digestOf("lighter: get base images");

interface Running {
  readonly input: BuildInput;
  readonly exports: ExportRun;
  readonly caches: CacheRun;
}

/** One build, from request to outcome. */
export class Build {
  readonly #parts: Parts;
  readonly #request: BuildRequest;
  readonly #journal: EventJournal;
  readonly #lock: LockFile | undefined;
  /** What remote sources turned out to be. */
  readonly #resolved = new Map<VertexId, string>();
  readonly #remote: Sources;

  constructor(parts: Parts, request: BuildRequest) {
    this.#parts = parts;
    this.#request = request;
    this.#journal = new EventJournal((event) => request.onEvent?.(event));
    this.#lock = request.lockFile === undefined ? undefined : new LockFile(request.lockFile);
    this.#remote = this.#remoteSources();
  }

  async run(): Promise<BuildOutcome> {
    const input = await openInput(this.#request, this.#inputTools());
    const lock = this.#lock;
    const own = this.#request.bases ?? this.#parts.options.bases;
    const bases = lock?.baseSource(own) ?? own;
    const unlocked = await this.#gettingBases((tell) =>
      planPlatforms(this.#request, input, { bases, ...tell }),
    );
    const planned = {
      ...unlocked,
      graph: lock?.pinned(unlocked.graph) ?? unlocked.graph,
      resolved: this.#resolved,
    };
    const [{ warnings }] = planned.plans;
    for (const warning of warnings)
      this.#emit({
        kind: "warning",
        text: `${warning.rule}: ${warning.detail} (line ${warning.range.start.line})`,
      });
    const parts = {
      ...this.#parts.options,
      cache: this.#parts.cache,
      journal: this.#journal,
      emit: (event: BuildEvent) => this.#emit(event),
    };
    const exports = new ExportRun(this.#request, parts);
    const caches = new CacheRun(this.#request, parts);
    this.#journal.planned(planned.graph, [...exports.steps(planned), ...caches.steps(targetsOf(planned))]);
    try {
      const outcome = await this.#solve(planned, { input, exports, caches });
      lock?.save();
      return outcome;
    } catch (error) {
      const explained = lock?.explain(this.#journal.failedVertex(error), error) ?? error;
      throw this.#withFrame(explained, planned, { input, vertex: this.#journal.failedVertex(error) });
    }
  }

  /** What the build would do; nothing runs, and nothing is fetched but a context that holds the Dockerfile. */
  async preview(): Promise<Preview> {
    const fetched = new Set<VertexId>();
    const tools = this.#inputTools();
    const input = await openInput(this.#request, { ...tools, onStep: ({ id }) => fetched.add(id) });
    const bases = basesAtHand(this.#request.bases ?? this.#parts.options.bases);
    const planned = await planPlatforms(this.#request, input, {
      bases,
      onProgress: () => undefined,
      onBase: () => undefined,
    });
    await using scope = new Cleanup();
    const { solver, sources } = this.#solver(planned, {
      input,
      scope,
      imported: undefined,
      ...this.#times(),
      remote: withoutFetching(this.#remote, fetched),
    });
    const isUnknown = ({ id, op }: Vertex): boolean =>
      op.kind === "image"
        ? planned.bases.get(baseName(op))?.origin === unknownOrigin
        : op.kind !== "local" && !fetched.has(id);
    const foreseen = await solver.foresee(targetsOf(planned), isUnknown);
    const explanations = this.#explanations(planned, input, sources);
    return previewOf(planned.graph, foreseen, (vertex) =>
      explanations.explain(vertex, this.#journal.keys.get(vertex.id)),
    );
  }

  #times(): { readonly origins: LayerOrigins; readonly recordedTimes: RecordedTimes } {
    return {
      origins: openLayerOrigins(this.#parts.paths.origins),
      recordedTimes: openRecordedTimes(this.#parts.paths.times),
    };
  }

  /** What a context from elsewhere is brought with: before the plan, which needs the Dockerfile that is in it. */
  #inputTools(): InputTools {
    const { options, paths, cache } = this.#parts;
    const fetch: Sources["fetch"] = async (vertex, signal) => {
      const pinned = this.#lock?.pinnedVertex(vertex) ?? vertex;
      try {
        return await this.#remote.fetch(pinned, signal);
      } catch (error) {
        if (signal.aborted) this.#journal.cancelled(vertex);
        else this.#journal.failed(vertex, error);
        throw this.#lock?.explain(vertex, error) ?? error;
      }
    };
    return {
      ...options,
      cache,
      directory: paths.remote,
      sources: { identify: fetch, fetch },
      onStep: ({ id, name }) => this.#emit({ kind: "planned", steps: [{ id, name, inputs: [] }] }),
    };
  }

  #remoteSources(): Sources {
    const { options, paths, cache } = this.#parts;
    return createRemoteSources({
      host: options.host,
      web: options.registries,
      proxyEnv: options.proxyEnv ?? {},
      snapshots: options.snapshots,
      cache,
      directory: paths.remote,
      findSecret: this.#request.findSecret ?? (() => undefined),
      findAgent: this.#request.findAgent ?? (async () => undefined),
      onStart: (vertex) => this.#journal.started(vertex),
      onResolved: (vertex, resolved) => {
        this.#resolved.set(vertex.id, resolved);
        this.#lock?.note(vertex, resolved);
      },
      onEnd: (vertex, isCached) => (isCached ? this.#journal.hit(vertex) : this.#journal.finished(vertex)),
    });
  }

  /** Getting bases is a step of its own as soon as there is something to tell of it. */
  async #gettingBases<T>(work: (tell: Pick<BaseLookup, "onProgress" | "onBase">) => Promise<T>): Promise<T> {
    const step = gettingBases;
    let isTold = false;
    const begin = () => {
      if (isTold) return;
      this.#emit({ kind: "planned", steps: [{ id: step, name: "[internal] get base images", inputs: [] }] });
      this.#emit({ kind: "started", step, timeMs: Date.now() });
      isTold = true;
    };
    try {
      const result = await work({
        onProgress: (progress) => {
          begin();
          this.#emit({ kind: "progress", step, progress });
        },
        onBase: ({ reference }, { origin, isStored = false }) => {
          begin();
          const how = [...(isStored ? ["in the store"] : []), ...(origin === "" ? [] : [origin])].join(", ");
          this.#emit({ kind: "note", step, text: `FROM ${familiarReference(reference)}: ${how}` });
        },
      });
      if (isTold) this.#emit({ kind: "finished", step, timeMs: Date.now(), cached: false });
      return result;
    } catch (error) {
      const timeMs = Date.now();
      const isCancelled = isLighterError(error, "CANCELLED");
      if (isTold && isCancelled) this.#emit({ kind: "cancelled", step, timeMs });
      else if (isTold) this.#emit({ kind: "failed", step, timeMs, message: errorMessage(error) });
      throw error;
    }
  }

  #emit(event: BuildEvent): void {
    this.#request.onEvent?.(event);
  }

  async #solve(planned: PlannedPlatforms, { input, exports, caches }: Running): Promise<BuildOutcome> {
    await using scope = new Cleanup();
    const times = this.#times();
    const [plan] = planned.plans;
    const epochSeconds = this.#epochSeconds(planned);
    const imported = await caches.import(epochSeconds);
    const { solver, sources } = this.#solver(planned, { input, scope, imported, ...times });
    const explanations = this.#explanations(planned, input, sources);
    this.#journal.explain = (vertex) => explanations.explain(vertex, this.#journal.keys.get(vertex.id));
    this.#journal.onRan = (vertex) => explanations.ended(vertex);
    try {
      await solver.solveAll(targetsOf(planned), this.#request.signal);
    } finally {
      // What was read and what was keyed is worth keeping whatever came of the build.
      sources.finish();
      explanations.save(this.#journal.keys, this.#journal.done);
    }
    const making: LayerMaking = {
      findResult: (vertex) => solver.find(vertex),
      findBase: (vertex) => findBase(planned, vertex),
      images: this.#parts.options.images,
      snapshots: this.#parts.options.snapshots,
      ...times,
      epochSeconds,
      signal: this.#request.signal,
    };
    const solved = { plans: planned.plans, known: solver.known, making };
    const written = await exports.run(planned, making, await caches.inline(solved));
    await caches.export(solved);
    return { ...written, plan, bases: resolvedBases(planned), steps: this.#journal.counts };
  }

  #explanations(planned: PlannedPlatforms, input: BuildInput, sources: BuildSources): Explanations {
    const { outline } = planned.plans[0];
    return openExplanations(this.#parts.paths.steps, {
      identity: [input.dockerfilePath, contextName(this.#request, input), planned.plans[0].stage],
      graph: planned.graph,
      bases: Object.fromEntries([...planned.bases].map(([name, { digest }]) => [name, digest])),
      argNames: new Set([
        ...outline.args.map(({ name }) => name),
        ...Object.keys(this.#request.buildArgs ?? {}),
      ]),
      context: (name) => sources.context(name),
      isExact: this.#request.explain === true,
    });
  }

  #epochSeconds({ plans: [plan] }: PlannedPlatforms): number {
    return plan.epochSeconds ?? this.#request.epochSeconds ?? defaultEpochSeconds;
  }

  #solver(
    planned: PlannedPlatforms,
    build: {
      readonly input: BuildInput;
      readonly scope: Cleanup;
      readonly origins: LayerOrigins;
      readonly recordedTimes: RecordedTimes;
      readonly imported: ImportedCache | undefined;
      readonly remote?: Sources;
    },
  ): { readonly solver: Solver; readonly sources: BuildSources } {
    const { options, paths, cache } = this.#parts;
    const { host, snapshots } = options;
    const request = this.#request;
    const pool = build.scope.use(new FilePool());
    const sources = createSources({
      pool,
      paths,
      files: host.files,
      bases: planned.bases,
      origins: build.origins,
      journal: this.#journal,
      directories: directoriesOf(request, build.input),
      ignore: build.input.ignore,
      remote: build.remote ?? this.#remote,
    });
    const solver = new Solver({
      pool,
      graph: planned.graph,
      cache,
      snapshots,
      sources,
      host,
      journal: this.#journal,
      recordedTimes: build.recordedTimes,
      materialize: (context, signal) => materializeContext(context, { snapshots, host, pool }, signal),
      lockDirectory: paths.locks,
      emptyLayer: paths.empty,
      jobs: request.jobs,
      ...(build.imported !== undefined && { imported: build.imported }),
      onLost: (vertex, error) =>
        this.#emit({
          kind: "warning",
          text: `cannot use the imported result of "${vertex.name}": ${errorMessage(error)}; the step runs`,
        }),
      ...stepsOf({
        pool,
        host,
        snapshots,
        findRuntime: options.findRuntime,
        networks: build.scope.use(new NetworkPool(options.networks)),
        defaultNetwork: defaultNetwork(request),
        cgroupParent: request.cgroupParent,
        limits: request.limits,
        onStepFailure: onceOnly(request.onStepFailure),
        findTools: () => this.#findTools(),
        paths,
        journal: this.#journal,
        findSecret: request.findSecret ?? (() => undefined),
        findAgent: request.findAgent ?? (async () => undefined),
        deferrable: deferrableSteps(planned, request),
        images: options.images,
        layerTimes: (origin) => timesInLayer(origin, { ...build, epochSeconds: this.#epochSeconds(planned) }),
        // Who asks for the host's network for the whole build has granted it.
        allow: new Set([...(request.allow ?? []), ...(request.network === "host" ? ["network.host"] : [])]),
      }),
    });
    return { solver, sources };
  }

  /** The tree of an image with a shell, for steps that have none. */
  async #findTools(): Promise<readonly string[] | undefined> {
    const bases = this.#request.bases ?? this.#parts.options.bases;
    const base = await bases.resolve(parseBaseReference("busybox"), {
      platform: hostPlatform(),
      onProgress: () => undefined,
    });
    const snapshot = await base?.snapshot(this.#request.signal);
    return snapshot === undefined ? undefined : this.#parts.options.snapshots.layers(snapshot);
  }

  /** The error with the lines of the Dockerfile in which it arose. */
  #withFrame(
    error: unknown,
    planned: PlannedPlatforms,
    { input, vertex }: { readonly input: BuildInput; readonly vertex: Vertex | undefined },
  ): unknown {
    if (!isLighterError(error) || vertex?.range === undefined || error.details["frame"] !== undefined)
      return error;
    const { startLine, endLine } = vertex.range;
    const { text } = planned.parsed.file;
    const start = { line: startLine, column: 1, offset: 0 };
    const end = { line: endLine, column: (text.split("\n")[endLine - 1] ?? "").length + 1, offset: 0 };
    const frame = `${input.dockerfilePath}:${startLine}\n${codeFrame(text, { start, end })}`;
    return new LighterError(error.code, error.message, {
      details: { ...error.details, frame, line: startLine, step: vertex.name },
      cause: error,
    });
  }
}

function stepsOf(options: ExecuteOptions): Pick<SolverOptions, "execute" | "repeat"> {
  return { execute: createExecute(options), repeat: createRepeat(options) };
}
