import type { ContentStore } from "#content";
import type { Host } from "#host";
import type { ImageStore } from "#image";
import type { NetworkProvider, Runtime } from "#runtime";
import type { SnapshotName, Snapshotter } from "#snapshot";
import type { BaseSource, OpenRegistries } from "../ports.ts";
import { createRemoteSources } from "../remote/remote-sources.ts";
import { CacheStore } from "../solve/cache-store.ts";
import type { Sources } from "../solve/solver.ts";
import { BuildCache } from "../upkeep/build-cache.ts";
import { Build, type Parts } from "./build.ts";
import { openPaths } from "./paths.ts";
import { type DryPlan, type DryRequest, planDry } from "./plan-dry.ts";
import type { Preview } from "./preview.ts";
import type { BuildOutcome, BuildRequest } from "./request.ts";

/** What a builder works with; the engine hands it in. */
export interface BuilderOptions {
  /** The root of the store. */
  readonly root: string;
  readonly host: Host;
  readonly snapshots: Snapshotter;
  readonly content: ContentStore;
  readonly images: ImageStore;
  readonly bases: BaseSource;
  /** Asked for when the first RUN has to run. */
  readonly findRuntime: () => Promise<Runtime>;
  /** Asked for with the runtime. */
  readonly networks: () => Promise<NetworkProvider>;
  /** Asked for when an image is pushed. */
  readonly registries: OpenRegistries;
  /** `HTTP_PROXY` and its like, for git; registries have their own. @defaultValue none */
  readonly proxyEnv?: Readonly<Record<string, string>>;
}

export interface Builder {
  /**
   * Builds an image. Nothing is left behind when it fails or is cancelled but the results of finished steps.
   * @throws DOCKERFILE_INVALID, BASE_NOT_FOUND, COPY_SOURCE_NOT_FOUND, RUN_FAILED, CANCELLED, … with `details.frame`
   */
  build(request: BuildRequest): Promise<BuildOutcome>;
  /** What {@link Builder.build} would do, step by step, before it does it; see {@link Preview}. */
  preview(request: BuildRequest): Promise<Preview>;
  /** Plans without building and without getting a base; see {@link DryPlan}. */
  plan(request: DryRequest): Promise<DryPlan>;
  /** Snapshots that cache records lead to: collecting garbage keeps them. */
  usedSnapshots(): Iterable<SnapshotName>;
  /** Results and cache mounts, for those who look after the size of the store. */
  readonly cache: BuildCache;
}

/** Where a plan gets a context that is elsewhere: nobody is told. */
function quietSources({ findSecret, findAgent }: DryRequest, { options, paths, cache }: Parts): Sources {
  return createRemoteSources({
    host: options.host,
    web: options.registries,
    proxyEnv: options.proxyEnv ?? {},
    snapshots: options.snapshots,
    cache,
    directory: paths.remote,
    findSecret: findSecret ?? (() => undefined),
    findAgent: findAgent ?? (async () => undefined),
    onStart: () => undefined,
    onEnd: () => undefined,
  });
}

/** Opens the build state below `root`; any number of processes may. Leftovers of dead processes go. */
export function createBuilder(options: BuilderOptions): Builder {
  const paths = openPaths(options.root);
  const cache = new CacheStore(paths.cache);
  const buildCache = new BuildCache({ ...options, paths, cache, locks: options.host.locks });
  buildCache.mounts.sweep();
  return {
    build: (request) => new Build({ options, paths, cache }, request).run(),
    preview: async (request) => {
      const { onEvent: _nobodyIsTold, ...rest } = request;
      return await new Build({ options, paths, cache }, { ...rest, explain: true }).preview();
    },
    plan: (request) =>
      planDry(request, {
        ...options,
        cache,
        directory: paths.remote,
        sources: quietSources(request, { options, paths, cache }),
        onStep: () => undefined,
        findBase: ({ reference, platform }) => (request.bases ?? options.bases).find(reference, platform),
      }),
    usedSnapshots: () => cache.snapshots(),
    cache: buildCache,
  };
}
