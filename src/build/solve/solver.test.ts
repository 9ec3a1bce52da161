import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { LighterError } from "#base";
import type { Files, Lock, Locks } from "#host";
import { digestOf } from "#oci";
import type { ExecOp, FileOp, Op, Vertex, VertexId } from "#plan";
import type { SnapshotName, Snapshotter } from "#snapshot";
import { timesOfContent } from "../times/time-origin.ts";
import { FilePool } from "../work/file-pool.ts";
import { CacheStore } from "./cache-store.ts";
import { type Execute, Solver } from "./solver.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "lighter-solver-"));
  mkdirSync(join(directory, "locks"));
});
afterEach(() => rmSync(directory, { recursive: true }));

const platform = { os: "linux", architecture: "amd64" };
const image: Op = {
  kind: "image",
  reference: { registry: "docker.io", repository: "library/base", tag: "latest" },
  platform,
};

function exec(command: string, options: Partial<ExecOp> = {}): ExecOp {
  return {
    kind: "exec",
    root: 0,
    args: [command],
    env: [],
    proxyEnv: [],
    cwd: "/",
    mounts: [],
    network: "default",
    security: "sandbox",
    extraHosts: [],
    ulimits: [],
    devices: [],
    platform,
    ...options,
  };
}

/** Mounts its second input as a whole, so that its content can stand for it. */
function mounting(command: string): ExecOp {
  return exec(command, { mounts: [{ kind: "bind", target: "/m", input: 1, source: "/", readonly: true }] });
}

type Step = readonly [name: string, op: Op, inputs: readonly string[]];

/** A graph in topological order; the name of a step is its command. */
function graphOf(steps: readonly Step[], ignoreCache: readonly string[] = []): ReadonlyMap<VertexId, Vertex> {
  return new Map(
    steps.map(([name, op, inputs]) => [
      digestOf(name),
      {
        id: digestOf(name),
        op,
        name,
        inputs: inputs.map((input) => ({ vertex: digestOf(input), output: 0 }) as const),
        ignoreCache: ignoreCache.includes(name),
      },
    ]),
  );
}

interface Run {
  readonly ran: string[];
  readonly events: string[];
  readonly id: string;
}

async function solve(
  steps: readonly Step[],
  options: {
    readonly ignoreCache?: readonly string[];
    readonly execute?: Execute;
    readonly signal?: AbortSignal;
  } = {},
): Promise<Run> {
  const ran: string[] = [];
  const events: string[] = [];
  const tell = (word: string) => (vertex: Vertex) => void events.push(`${word} ${vertex.name}`);
  const solver = new Solver({
    graph: { vertices: graphOf(steps, options.ignoreCache) },
    cache: new CacheStore(join(directory, "cache")),
    snapshots: {
      find: (name: string) => name,
      layers: () => [join(directory, "locks")],
    } as unknown as Snapshotter,
    sources: {
      identify: async () => ({ kind: "tree", id: "base", origin: timesOfContent }),
      fetch: async () => ({ kind: "tree", id: "base", origin: timesOfContent }),
    },
    execute: async (vertex, inputs, signal) => {
      ran.push(vertex.name);
      return (await options.execute?.(vertex, inputs, signal)) ?? { snapshot: vertex.name as SnapshotName };
    },
    materialize: () => Promise.reject(new Error("no contexts here")),
    journal: {
      keyed() {},
      hit: tell("hit"),
      started: tell("started"),
      finished: tell("finished"),
      failed: tell("failed"),
      cancelled: tell("cancelled"),
    },
    recordedTimes: { put: () => undefined, load: () => new Set() },
    host: {
      files: { listXattrs: () => [], getXattr: () => undefined } as unknown as Files,
      locks: fakeLocks(),
    },
    lockDirectory: join(directory, "locks"),
    emptyLayer: join(directory, "locks"),
    pool: new FilePool(),
    jobs: 4,
  });
  const target = steps.at(-1)?.[0] ?? "";
  const { id } = await solver.solve(digestOf(target), options.signal);
  return { ran, events, id };
}

/** Locks that are always free: there is one process here. */
function fakeLocks(): Locks {
  const lock = (path: string): Lock => ({ path, fd: -1, [Symbol.dispose]() {} });
  return { acquire: async (path) => lock(path), tryAcquire: lock };
}

const chain: readonly Step[] = [
  ["base", image, []],
  ["one", exec("one"), ["base"]],
  ["two", exec("two"), ["one"]],
];

test("a second build runs nothing and has the same result", async () => {
  const cold = await solve(chain);
  const warm = await solve(chain);
  assert.deepEqual([cold.ran, warm.ran], [["one", "two"], []]);
  assert.equal(warm.id, cold.id);
  assert.deepEqual(warm.events, ["hit one", "hit two"]);
});

test("what follows a changed step runs again, what stands before it does not", async () => {
  await solve(chain);
  const changed: readonly Step[] = [
    ["base", image, []],
    ["one", exec("one"), ["base"]],
    ["other", exec("other"), ["one"]],
    ["three", exec("three"), ["other"]],
  ];
  assert.deepEqual((await solve(changed)).ran, ["other", "three"]);
});

test("steps that need each other not at all run at once", async () => {
  const running = new Set<string>();
  let meet = (): void => {};
  const met = new Promise<void>((resolve) => {
    meet = resolve;
  });
  const execute: Execute = async (vertex) => {
    running.add(vertex.name);
    if (running.has("a") && running.has("b")) meet();
    // Were they to run one after the other, the first would wait for ever.
    await met;
    return { snapshot: vertex.name as SnapshotName };
  };
  await solve(
    [
      ["base", image, []],
      ["a", exec("a"), ["base"]],
      ["b", exec("b"), ["base"]],
      ["join", mounting("join"), ["a", "b"]],
    ],
    { execute },
  );
  assert.deepEqual([...running], ["a", "b", "join"]);
});

test("a step that is told to run again gives its users another key, once", async () => {
  await solve(chain);
  const again = await solve(chain, { ignoreCache: ["one"] });
  assert.deepEqual(again.ran, ["one", "two"]);
  assert.deepEqual((await solve(chain)).ran, []);
});

test("a stage that ran again but holds the same files does not make its users run", async () => {
  const steps = (command: string): readonly Step[] => [
    ["base", image, []],
    [command, exec(command), ["base"]],
    ["user", mounting("user"), ["base", command]],
  ];
  await solve(steps("make"));
  assert.deepEqual((await solve(steps("make differently"))).ran, ["make differently"]);
});

test("when a step fails, those that run are cancelled and those that wait never start", async () => {
  const execute: Execute = async (vertex, _inputs, { signal }) => {
    if (vertex.name === "bad") throw new LighterError("RUN_FAILED", "no");
    await new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(new LighterError("CANCELLED", "stopped")));
    });
    return {};
  };
  const run = solve(
    [
      ["base", image, []],
      ["slow", exec("slow"), ["base"]],
      ["bad", exec("bad"), ["base"]],
      ["join", mounting("join"), ["slow", "bad"]],
    ],
    { execute },
  );
  await assert.rejects(run, { code: "RUN_FAILED" });
});

test("cancelling is told as such", async () => {
  const stop = new AbortController();
  const execute: Execute = async (_vertex, _inputs, { signal }) => {
    stop.abort();
    signal.throwIfAborted();
    return {};
  };
  await assert.rejects(solve(chain, { execute, signal: stop.signal }), { code: "CANCELLED" });
  assert.deepEqual((await solve(chain)).ran, ["one", "two"]);
});

test("proxies, addresses of hosts and ids of caches do not count", async () => {
  const step = (options: Partial<ExecOp>): readonly Step[] => [
    ["base", image, []],
    ["run", exec("run", options), ["base"]],
  ];
  const cache = (id: string) =>
    ({ kind: "cache", target: "/c", id, sharing: "shared", readonly: false, source: "/" }) as const;
  await solve(step({ mounts: [cache("a")], extraHosts: [{ host: "h", ip: "1.2.3.4" }] }));
  const same = step({
    mounts: [cache("b")],
    extraHosts: [{ host: "h", ip: "5.6.7.8" }],
    proxyEnv: ["HTTP_PROXY=x"],
  });
  assert.deepEqual((await solve(same)).ran, []);
  assert.deepEqual((await solve(step({ env: ["A=1"] }))).ran, ["run"]);
});

test("an operation that reads only an empty tree is keyed by what it says", async () => {
  const file = (content: string): FileOp => ({
    kind: "file",
    actions: [{ kind: "mkfile", path: "/f", mode: 0o644, content }],
  });
  await solve([["f", file("one"), []]]);
  assert.deepEqual((await solve([["f", file("one"), []]])).ran, []);
  assert.deepEqual((await solve([["f", file("two"), []]])).ran, ["f"]);
});
