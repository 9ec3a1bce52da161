import { join, resolve } from "node:path";
import { Cleanup } from "#base";
import type { BaseSource, Builder, BuildRequest, DryPlan, DryRequest, Preview } from "#build";
import type { Containers } from "#container";
import type { RecipeSource } from "#distroless";
import { EventLog, type EventOptions, type StoreEvent } from "#events";
import { createHost, findOwnFile, type Host } from "#host";
import type { Roots } from "#image";
import type { Networks } from "#network";
import type { KeptIn, RegistryClient } from "#registry";
import type { NetworkProvider, Runtime, RuntimeName } from "#runtime";
import { cacheLimit, EngineBuildCache, packageLimit } from "./build-cache.ts";
import { buildResult } from "./build-result.ts";
import { type Configuration, readConfiguration } from "./configuration.ts";
import { EngineContainers } from "./containers.ts";
import { tellBuilt } from "./image-events.ts";
import { Images } from "./images.ts";
import { lazy } from "./lazy.ts";
import { EngineNetworks } from "./networks.ts";
import type { BuildOptions, BuildResult, EngineOptions, RegistrySettings, RunOptions } from "./options.ts";
import { Recipes } from "./recipes.ts";
import type { RunningContainer } from "./running-container.ts";
import { openStore, type Store } from "./store.ts";
import { EngineVolumes } from "./volumes.ts";

/**
 * A container engine on one store: builds images, runs containers, keeps both. Any number of engines, in any number of
 * processes, may share a store; there is no daemon.
 *
 * The first build or run moves this process's main thread into a private mount namespace: there all mounts of the engine
 * live, and with it they end.
 *
 * @example
 * ```ts
 * await using engine = new Engine({ root: "/tmp/store" });
 * await engine.build({ context: "examples/go-calculator", tags: ["calculator"] });
 * const status = await engine.run({ image: "calculator", args: ["6", "x", "7"], remove: true });
 * ```
 */
export class Engine implements AsyncDisposable {
  readonly images: Images;
  readonly buildCache: EngineBuildCache;
  readonly containers: EngineContainers;
  readonly volumes: EngineVolumes;
  readonly recipes: Recipes;
  readonly networks: EngineNetworks;
  readonly #configuration: Configuration;
  readonly #onWarning: (text: string) => void;
  readonly #host: Host;
  readonly #store: Store;
  readonly #events: EventLog;
  readonly #closing = new Cleanup();

  // Rooms are loaded when they are first needed: a short command loads none of them.
  readonly #runtime = lazy(() => this.#findRuntime());
  readonly #networks = lazy(async (): Promise<Networks> => {
    const { createNetworks, findResolver } = await import("#network");
    const sweep = findOwnCommand(this.root, ["system", "sweep"]) ?? [];
    return createNetworks({
      root: this.root,
      host: this.#host,
      onWarning: this.#onWarning,
      removesAside: true,
      resolver: { program: () => [findResolver()], sweep },
    });
  });
  readonly #recipes = lazy(async (): Promise<RecipeSource> => {
    const { openRecipeSource } = await import("#distroless");
    const { snapshots, images } = this.#store;
    const { root, debianMirror, proxyEnv } = this.#configuration;
    const proxy = proxyEnv["http_proxy"] ?? proxyEnv["HTTP_PROXY"];
    const poolLimitBytes = await packageLimit(this.#configuration);
    return openRecipeSource({
      root,
      host: this.#host,
      snapshots,
      images,
      findRuntime: this.#runtime,
      ...(poolLimitBytes !== undefined && { poolLimitBytes }),
      onWarning: this.#onWarning,
      ...(proxy !== undefined && { http: { proxy } }),
      ...(debianMirror !== undefined && { mirror: mirrorAt(debianMirror) }),
    });
  });
  // A build on a machine with no way out must not wait for it.
  readonly #baseRegistries = lazy(
    async (): Promise<RegistryClient> =>
      await this.#openRegistries({ connectTimeoutMs: baseConnectTimeoutMs }),
  );
  readonly #builder = lazy(async (): Promise<Builder> => {
    const { createBuilder } = await import("#build");
    const { root, content, snapshots, images } = this.#store;
    const bases = await this.#bases({});
    const host = this.#host;
    const networks = this.#networks;
    const registries = async (insecure: readonly string[] = []) =>
      await (insecure.length === 0 ? this.#registries() : this.#openRegistries({ insecure }));
    // A build in which nothing runs touches no container: what dead ones left is settled when the first RUN has to run.
    const findRuntime = lazy(async (): Promise<Runtime> => {
      await (await this.#containers()).sweep();
      return await this.#runtime();
    });
    return createBuilder({
      root,
      host,
      content,
      snapshots,
      images,
      bases,
      networks,
      findRuntime,
      registries,
      proxyEnv: this.#configuration.proxyEnv,
    });
  });
  readonly #registries = lazy(async (): Promise<RegistryClient> => await this.#openRegistries({}));
  readonly #containers = lazy(async (): Promise<Containers> => {
    const { createContainers } = await import("#container");
    const { root, snapshots, images } = this.#store;
    // Most commands on containers touch no network: the room is loaded by the first that does.
    const network: NetworkProvider = {
      attach: async (request) => await (await this.#networks()).attach(request),
      sweep: async () => await (await this.#networks()).sweep(),
    };
    const tidyCommand = findOwnCommand(root, ["system", "sweep"]);
    return createContainers({
      root,
      host: this.#host,
      images,
      snapshots,
      network,
      events: this.#events,
      runtime: (name) => (name === undefined ? this.#runtime() : this.#findRuntime(name)),
      use: () => this.#store.use(),
      onWarning: this.#onWarning,
      ...(tidyCommand !== undefined && { tidyCommand }),
    });
  });

  /** @throws STORE_UNUSABLE, STORE_FULL, ARGUMENT_INVALID */
  constructor(options: EngineOptions = {}) {
    this.#configuration = readConfiguration(options);
    this.#onWarning = options.onWarning ?? (() => undefined);
    const { PATH } = process.env;
    this.#host = createHost(PATH === undefined ? {} : { path: PATH });
    let builder: Builder | undefined;
    let containers: Containers | undefined;
    const roots = (): Roots => ({
      blobs: [],
      snapshots: [
        ...(builder?.usedSnapshots() ?? []),
        ...(containers?.list() ?? []).flatMap(({ snapshot }) => snapshot ?? []),
      ],
    });
    this.#store = openStore(this.root, this.#host, roots);
    this.#events = new EventLog(this.root);
    this.recipes = new Recipes({
      open: this.#recipes,
      use: () => this.#store.use(),
      hostPlatform: { os: "linux", architecture: process.arch === "x64" ? "amd64" : process.arch },
      tag: (image, name) => this.images.tag(image.id, name),
      describe: async (name, format) => {
        const { imageSbom } = await import("./sbom.ts");
        const parts = { store: this.#store, host: this.#host, openRecipes: this.#recipes, tool: "lighter" };
        return await imageSbom(parts, this.images.get(name), { name, format });
      },
    });
    this.images = new Images(this.#store, {
      host: this.#host,
      beforeCollect: async () => {
        builder = await this.#builder();
        containers = await this.#containers();
      },
      containers: this.#containers,
      registries: this.#registries,
      events: this.#events,
    });
    this.buildCache = new EngineBuildCache({
      open: this.#builder,
      collect: () => this.images.collect(),
      host: this.#host,
    });
    this.volumes = new EngineVolumes(this.#containers, this.#events);
    this.containers = new EngineContainers({
      open: this.#containers,
      findImage: (name, platform) => this.images.get(name, platform === undefined ? {} : { platform }),
      sweep: () => this.#sweep(),
      events: this.#events,
      onRenamed: async (id, name) => await (await this.#networks()).rename(id, name),
    });
    this.networks = new EngineNetworks({
      open: this.#networks,
      containers: this.#containers,
      events: this.#events,
      onWarning: this.#onWarning,
    });
  }

  /** What is insecure for `settings` is so besides what the configuration says. */
  async #openRegistries(settings: RegistrySettings): Promise<RegistryClient> {
    const { loopback, openRegistryClient } = await import("#registry");
    const { readConfigurationFile } = await import("./configuration-file.ts");
    const { file, registries } = this.#configuration;
    const configured = (await readConfigurationFile(file)).registries ?? {};
    const client = openRegistryClient({
      host: this.#host,
      ...configured,
      ...registries,
      mirrors: { ...configured.mirrors, ...registries.mirrors },
      ...settings,
      insecure: [...(registries.insecure ?? configured.insecure ?? loopback), ...(settings.insecure ?? [])],
    });
    this.#closing.use(client);
    return client;
  }

  /**
   * Tries credentials with a registry, and keeps them where docker would: in the credential helper that `config.json`
   * names, else in that file.
   * @throws CREDENTIALS_INVALID, REGISTRY_UNREACHABLE
   */
  async login(
    registry: string,
    credentials: { readonly username: string; readonly password: string },
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<KeptIn> {
    const client = await this.#registries();
    return await client.login(registry, { kind: "password", ...credentials }, options);
  }

  /** Forgets the credentials of a registry. @returns whether there were any */
  async logout(registry: string): Promise<boolean> {
    return await (await this.#registries()).logout(registry);
  }

  /** The directory of the store. */
  get root(): string {
    return this.#configuration.root;
  }

  /**
   * Builds an image from a Dockerfile. Trees that dead builds left unfinished are removed first, their containers and
   * networks before the first RUN; the results of finished steps are kept even when the build fails.
   * @throws DOCKERFILE_INVALID, BASE_NOT_FOUND, COPY_SOURCE_NOT_FOUND, RUN_FAILED, CANCELLED, and what recipes throw; the
   * lines of the Dockerfile stand in `details.frame`
   */
  async build(options: BuildOptions): Promise<BuildResult> {
    await using scope = new Cleanup();
    const request = await this.#request(options, scope);
    const builder = await this.#builder();
    this.#store.snapshots.sweep();
    const limitBytes = await cacheLimit(this.#configuration);
    if (limitBytes !== undefined) await this.buildCache.prune({ keepBytes: limitBytes });
    try {
      using _lock = await this.#store.use();
      const result = buildResult(await builder.build(request));
      tellBuilt(this.#events, result);
      return result;
    } finally {
      if (limitBytes !== undefined) await this.buildCache.prune({ keepBytes: limitBytes });
    }
  }

  /**
   * What {@link Engine.build} would do with each step, before it does it: nothing runs, and nothing is fetched but a remote
   * context, which the Dockerfile is in.
   * @throws CONTEXT_NOT_FOUND, DOCKERFILE_NOT_FOUND, DOCKERFILE_INVALID, COPY_SOURCE_NOT_FOUND
   */
  async preview(options: BuildOptions): Promise<Preview> {
    await using scope = new Cleanup();
    const request = await this.#request(options, scope);
    const builder = await this.#builder();
    using _lock = await this.#store.use();
    return await builder.preview(request);
  }

  /** Plans a build without running anything or getting a base. @throws CONTEXT_NOT_FOUND, DOCKERFILE_NOT_FOUND */
  async plan(options: BuildOptions & Pick<DryRequest, "allStages">): Promise<DryPlan> {
    const builder = await this.#builder();
    const { allStages = false } = options;
    const { buildRequest } = await import("./build-request.ts");
    await using scope = new Cleanup();
    const { processes } = this.#host;
    return await builder.plan({
      ...(await buildRequest(options, this.#configuration, { processes, scope })),
      ...(await this.#contexts(options)),
      allStages,
    });
  }

  // Loaded by a build only: what reads flags of a build brings the Dockerfile's whole grammar with it.
  async #request(options: BuildOptions, scope: Cleanup): Promise<BuildRequest> {
    const { buildRequest } = await import("./build-request.ts");
    const { exportRequest } = await import("./export-request.ts");
    const { processes } = this.#host;
    const plain = await buildRequest(options, this.#configuration, { processes, scope });
    return {
      ...plain,
      bases: await this.#bases(options, plain.context),
      ...(await exportRequest(options)),
      ...(await this.#contexts(options)),
    };
  }

  /** Where one build gets its bases. @throws ARGUMENT_INVALID, CONFIGURATION_INVALID */
  async #bases(
    { sources = [], pull = false }: Pick<BuildOptions, "sources" | "pull">,
    context?: string,
  ): Promise<BaseSource> {
    const { baseRules, file } = this.#configuration;
    const { parseBaseRule } = await import("./base-rules.ts");
    const { createBaseSource } = await import("./bases.ts");
    const { readConfigurationFile } = await import("./configuration-file.ts");
    const given = sources.map((text) => parseBaseRule(text, "--source"));
    const { sources: configured = [] } = await readConfigurationFile(file);
    return createBaseSource({
      images: this.#store.images,
      rules: [...given, ...baseRules, ...configured],
      passesStore: pull,
      openRecipes: this.#recipes,
      openRegistries: this.#baseRegistries,
      ...(context !== undefined && { context }),
    });
  }

  /** The named contexts of a build, opened. */
  async #contexts({ contexts }: BuildOptions): Promise<Pick<BuildRequest, "namedContexts">> {
    if (contexts === undefined) return {};
    const { openNamedContexts } = await import("./build-contexts.ts");
    const parts = { images: this.#store.images, openRecipes: this.#recipes };
    return { namedContexts: openNamedContexts(contexts, parts) };
  }

  /**
   * Starts a container that is left to itself: `await using db = await engine.run({ image: "postgres", detach: true })`.
   * @throws IMAGE_NOT_FOUND, and what {@link Containers.run} throws
   */
  run(options: RunOptions & { readonly detach: true }): Promise<RunningContainer>;
  /**
   * Runs a container in the foreground.
   * @returns the status of its program; 128 + signal when it was killed; 0 when the user left it running
   * @throws IMAGE_NOT_FOUND, and what {@link Containers.run} throws
   */
  run(options: RunOptions & { readonly detach?: false }): Promise<number>;
  async run({ detach = false, ...options }: RunOptions & { readonly detach?: boolean }) {
    if (detach) {
      const { RunningContainer } = await import("./running-container.ts");
      return new RunningContainer(this, await this.containers.runDetached(options));
    }
    const parting = await this.containers.run(options);
    return parting.kind === "exited" ? parting.exitCode : 0;
  }

  async #findRuntime(name?: RuntimeName): Promise<Runtime> {
    const { findRuntime } = await import("#runtime");
    return await findRuntime(this.#host, {
      runDirectory: join(this.root, "run"),
      ...(name !== undefined && { name }),
    });
  }

  /**
   * What happens in the store, from `since` or from now on, until `until` or for ever: to containers, images, networks and
   * volumes, in docker's words, by whichever process.
   */
  async *events(options: EventOptions = {}): AsyncGenerator<StoreEvent> {
    yield* this.#events.read(options);
  }

  /** Settles what processes left behind that did not get to clean up. */
  async #sweep(): Promise<void> {
    this.#store.snapshots.sweep();
    await (await this.#containers()).sweep();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#closing[Symbol.asyncDispose]();
  }
}

const baseConnectTimeoutMs = 2000;

/** A command line of this lighter for the same store; undefined where only the library is. */
function findOwnCommand(root: string, words: readonly string[]): readonly string[] | undefined {
  const program = findOwnFile("bin/lighter");
  return program === undefined ? undefined : [process.execPath, program, "--root", resolve(root), ...words];
}

/** A mirror keeps the security archive beside the main one, as Debian's own does. */
function mirrorAt(url: string): { readonly url: string; readonly securityUrl: string } {
  const base = url.replace(/\/+$/, "");
  return { url: base, securityUrl: `${base}-security` };
}
