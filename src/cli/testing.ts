import { PassThrough } from "node:stream";
import type { CliEngine } from "./engine-port.ts";
import type { Io } from "./io.ts";

/** An Io that keeps what was written: for tests of commands. */
export interface FakeIo extends Io {
  readonly written: { stdout: string; stderr: string };
}

export interface FakeIoOptions {
  readonly isTerminal?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  readonly nowMs?: number;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export function fakeIo(options: FakeIoOptions = {}): FakeIo {
  const written = { stdout: "", stderr: "" };
  const output = (name: "stdout" | "stderr") => ({
    isTerminal: options.isTerminal ?? false,
    columns: options.columns ?? 80,
    rows: options.rows ?? 24,
    write(data: string | Uint8Array) {
      written[name] += typeof data === "string" ? data : Buffer.from(data).toString();
    },
  });
  return {
    stdin: new PassThrough().end(),
    stdout: output("stdout"),
    stderr: output("stderr"),
    env: options.env ?? {},
    now: () => options.nowMs ?? Date.parse("2026-11-20T12:00:00Z"),
    written,
  };
}

/** An engine of which a test plays some parts; every other part fails the test. */
export function fakeEngine(
  parts: Partial<Omit<CliEngine, "images" | "containers" | "networks" | "volumes">> & {
    readonly images?: Partial<CliEngine["images"]>;
    readonly containers?: Partial<CliEngine["containers"]>;
    readonly networks?: Partial<CliEngine["networks"]>;
    readonly volumes?: Partial<CliEngine["volumes"]>;
  } = {},
): CliEngine {
  const missing = (name: string) => () => {
    throw new Error(`the test did not expect ${name}`);
  };
  return {
    root: "/var/lib/lighter",
    build: missing("build"),
    preview: missing("preview"),
    plan: missing("plan"),
    run: missing("run"),
    login: missing("login"),
    logout: missing("logout"),
    events: missing("events"),
    [Symbol.asyncDispose]: () => Promise.resolve(),
    ...parts,
    containers: playing(parts.containers ?? {}),
    networks: playing(parts.networks ?? {}),
    buildCache: playing(parts.buildCache ?? {}),
    volumes: playing(parts.volumes ?? {}),
    images: {
      list: missing("images.list"),
      find: missing("images.find"),
      get: missing("images.get"),
      history: missing("images.history"),
      check: missing("images.check"),
      collect: missing("images.collect"),
      tag: missing("images.tag"),
      remove: missing("images.remove"),
      save: missing("images.save"),
      load: missing("images.load"),
      pull: missing("images.pull"),
      push: missing("images.push"),
      copy: missing("images.copy"),
      readManifest: missing("images.readManifest"),
      createIndex: missing("images.createIndex"),
      changeIndex: missing("images.changeIndex"),
      prune: missing("images.prune"),
      platforms: missing("images.platforms"),
      import: missing("images.import"),
      tags: missing("images.tags"),
      ...parts.images,
    },
    recipes: {
      list: missing("recipes.list"),
      get: missing("recipes.get"),
      lock: missing("recipes.lock"),
      cacheUsage: missing("recipes.cacheUsage"),
      pruneCache: missing("recipes.pruneCache"),
      build: missing("recipes.build"),
      readLock: missing("recipes.readLock"),
      writeLock: missing("recipes.writeLock"),
      compare: missing("recipes.compare"),
      sbom: missing("recipes.sbom"),
      ...parts.recipes,
    },
  };
}

/** Parts that a test plays; touching any other one fails it. */
function playing<T extends object>(parts: Partial<T>): T {
  const handler: ProxyHandler<Partial<T>> = {
    get: (target, name) => {
      if (name in target) return Reflect.get(target, name);
      throw new Error(`the test did not expect ${String(name)}`);
    },
  };
  return new Proxy(parts, handler) as T;
}

/** A container of which nothing special was asked: the rest of a record in a test. */
export const unusedSettings = {
  version: 2,
  mounts: [],
  readOnly: false,
  tty: false,
  input: "none",
  remove: false,
  labels: {},
  stopSignal: "SIGTERM",
  stopTimeoutSeconds: 10,
  restart: { name: "no", maximumRetryCount: 0 },
  log: { driver: "json-file", maxBytes: 0, maxFiles: 1, options: {} },
  limits: {},
  security: { privileged: false, capAdd: [], capDrop: [], options: [] },
  init: false,
  namespaces: { pid: "", ipc: "", uts: "" },
  groupAdd: [],
  sysctls: {},
  annotations: {},
  devices: [],
  exposedPorts: [],
} as const;

export const unusedState = {
  pid: 0,
  monitorPid: 0,
  exitCode: 0,
  oomKilled: false,
  restartCount: 0,
  lostLogBytes: 0,
} as const;
