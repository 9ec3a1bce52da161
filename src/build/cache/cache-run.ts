import { errorMessage } from "#base";
import type { ContentStore } from "#content";
import type { ImageStore } from "#image";
import { type Digest, digestOf } from "#oci";
import type { Plan, VertexId } from "#plan";
import type { EventJournal } from "../builder/event-journal.ts";
import type { BuildRequest } from "../builder/request.ts";
import type { BuildEvent, StepSummary } from "../events.ts";
import type { LayerMaking, PlatformImage } from "../export/platform-image.ts";
import type { OpenRegistries } from "../ports.ts";
import type { CacheStore } from "../solve/cache-store.ts";
import type { KnownVertex } from "../solve/solver.ts";
import { exportCache } from "./export-cache.ts";
import { describe, type ImportedCache, importCaches } from "./import-cache.ts";
import { inlineCache } from "./inline.ts";
import type { CacheTarget } from "./places.ts";
import { portableResults } from "./portable-records.ts";

export interface CacheRunParts {
  readonly content: ContentStore;
  readonly images: ImageStore;
  readonly cache: CacheStore;
  readonly registries: OpenRegistries;
  readonly journal: EventJournal;
  readonly emit: (event: BuildEvent) => void;
}

/** What one build solved, for whoever wants its results elsewhere. */
export interface Solved {
  readonly plans: readonly Plan[];
  readonly known: ReadonlyMap<VertexId, KnownVertex>;
  readonly making: LayerMaking;
}

type PlacedTarget = Exclude<CacheTarget, { readonly kind: "inline" }>;

/** The caches that one build reads and writes: each is a step. */
export class CacheRun {
  readonly #request: BuildRequest;
  readonly #parts: CacheRunParts;
  readonly #targets: readonly { readonly step: Digest; readonly target: PlacedTarget }[];

  constructor(request: BuildRequest, parts: CacheRunParts) {
    this.#request = request;
    this.#parts = parts;
    const placed = (request.cacheTo ?? []).filter((target) => target.kind !== "inline");
    this.#targets = placed.map((target, at) => ({ target, step: digestOf(`lighter: cache to ${at}`) }));
  }

  async import(epochSeconds: number): Promise<ImportedCache | undefined> {
    const { cacheFrom = [], signal } = this.#request;
    if (cacheFrom.length === 0) return undefined;
    const step = digestOf("lighter: import caches");
    const name = `importing cache manifest from ${cacheFrom.map(describe).join(", ")}`;
    const { emit, journal } = this.#parts;
    emit({ kind: "planned", steps: [{ id: step, name, inputs: [] }] });
    const onWarning = (text: string): void => emit({ kind: "warning", text });
    return await journal.step(step, () =>
      importCaches(cacheFrom, { ...this.#parts, epochSeconds, onWarning, signal }),
    );
  }

  steps(inputs: readonly Digest[]): readonly StepSummary[] {
    return this.#targets.map(({ step, target }) => ({
      id: step,
      name: `exporting cache to ${target.kind === "local" ? "client directory" : "registry"}`,
      inputs,
    }));
  }

  /** What images carry in their config, when the cache travels in them. */
  async inline(
    solved: Solved,
  ): Promise<((image: PlatformImage) => Readonly<Record<string, unknown>>) | undefined> {
    const { cacheTo = [], buildArgs = {} } = this.#request;
    const isAsked =
      cacheTo.some(({ kind }) => kind === "inline") ||
      /^(?:1|t|true)$/i.test(buildArgs["BUILDKIT_INLINE_CACHE"] ?? "");
    if (!isAsked) return undefined;
    const makers = new Map<Plan, Awaited<ReturnType<typeof inlineCache>>>();
    for (const plan of solved.plans) makers.set(plan, await inlineCache(plan, solved));
    return (image) => makers.get(image.plan)?.(image) ?? {};
  }

  /** @throws what writing throws, unless the target says that it does not matter */
  async export(solved: Solved): Promise<void> {
    const { journal, emit } = this.#parts;
    const { signal } = this.#request;
    for (const { step, target } of this.#targets)
      await journal.step(step, async () => {
        try {
          const results = await portableResults({ ...solved, mode: target.mode });
          const onProgress = (
            progress: Parameters<Parameters<typeof exportCache>[2]["onProgress"]>[0],
          ): void => emit({ kind: "progress", step, progress });
          await exportCache(results, target, { ...this.#parts, onProgress, signal });
        } catch (error) {
          signal?.throwIfAborted();
          if (!target.ignoreError) throw error;
          emit({ kind: "warning", text: `cannot export the cache: ${errorMessage(error)}` });
        }
      });
  }
}
