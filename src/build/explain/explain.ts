import type { Graph, Vertex } from "#plan";
import { baseName } from "../builder/plan-build.ts";
import type { ContextSource } from "../context/context-source.ts";
import type { StepId } from "../events.ts";
import { keyParts, wholeOf } from "../solve/keys.ts";
import { fileChanges, takes } from "./file-changes.ts";
import type { FileChange, Miss } from "./miss.ts";
import { commandOf, isRun, opChange } from "./op-change.ts";
import { type History, openHistory, type StepKey, type StepRecord } from "./step-history.ts";

/** Reasons for the steps of one build, against the last runs of the same steps. */
export interface Explanations {
  /** Why a step has to run. Undefined for what is no instruction. */
  explain(vertex: Vertex, key: StepKey | undefined): Miss | undefined;
  /** Notes that a step ended well: what it took of contexts is kept for the next build to compare with. */
  ended(vertex: Vertex): void;
  /** Keeps the keys for the next build. */
  save(keys: ReadonlyMap<StepId, StepKey>, done: ReadonlySet<StepId>): void;
}

export interface ExplainOptions {
  /** Dockerfile, context and target: what makes two builds comparable. */
  readonly identity: readonly string[];
  readonly graph: Graph;
  readonly bases: History["bases"];
  /** Names of ARG, to be told from ENV. */
  readonly argNames: ReadonlySet<string>;
  /** A context that the build reads in place. */
  readonly context: (name: string) => ContextSource | undefined;
  /**
   * Whether every reason is worked out to the file, from what the step's last run took. Otherwise what this build happened
   * to notice is enough where it is something: comparing 50,000 files takes time that nobody may want to spend.
   */
  readonly isExact: boolean;
}

/** Compares steps by their place, stage and number, or where instructions moved by what they do. */
export function openExplanations(directory: string, options: ExplainOptions): Explanations {
  const history = openHistory(directory, options.identity);
  const { graph } = options;
  const explainInput = (vertex: Vertex, at: number, place: string): Miss => {
    const id = vertex.inputs[at]?.vertex;
    const input = id === undefined ? undefined : graph.vertices.get(id);
    if (input === undefined) return { kind: "instruction" };
    if (input.op.kind === "local")
      return { kind: "files", context: input.op.context, files: changesOf(vertex, at, place) };
    if (input.op.kind === "image") return baseChange(input, options.bases, history.bases);
    return { kind: "step", step: input.id, name: input.name };
  };
  const changesOf = (vertex: Vertex, at: number, place: string): readonly FileChange[] => {
    const name = contextName(graph, vertex, at);
    const source = name === undefined ? undefined : options.context(name);
    if (source === undefined) return [];
    const selectors = keyParts(vertex).selectors.get(at) ?? [wholeOf("/")];
    const noticed = [...source.changes]
      .filter(([path]) => selectors.some((selector) => takes(selector, path)))
      .map(([path, change]): FileChange => ({ path, change }));
    if (!options.isExact && noticed.length > 0) return noticed;
    return fileChanges(source, selectors, history.indexFile(place)) ?? noticed;
  };
  return {
    explain(vertex, key) {
      if (vertex.ignoreCache) return { kind: "uncached" };
      const place = placeOf(vertex);
      if (place === undefined || key === undefined) return undefined;
      const found = findLast(history.steps, place, key);
      if (found === undefined) return { kind: "new" };
      const { last } = found;
      if (last.op !== key.op) return opChange(last.op, key.op, options.argNames);
      const at = key.inputs.findIndex((input, position) => input !== last.inputs[position]);
      if (at >= 0) return explainInput(vertex, at, found.place);
      return { kind: last.isDone ? "pruned" : "unfinished" };
    },
    ended(vertex) {
      const place = placeOf(vertex);
      if (place === undefined) return;
      for (const at of vertex.inputs.keys()) {
        const name = contextName(graph, vertex, at);
        if (name !== undefined) options.context(name)?.keepAs(history.indexFile(place));
      }
    },
    save(keys, done) {
      const steps = [...graph.vertices.values()].flatMap((vertex): [string, StepRecord][] => {
        const place = placeOf(vertex);
        const key = keys.get(vertex.id);
        if (place === undefined || key === undefined) return [];
        return [[place, { ...key, isDone: done.has(vertex.id) }]];
      });
      history.save({ steps: Object.fromEntries(steps), bases: options.bases });
    },
  };
}

function contextName(graph: Graph, vertex: Vertex, at: number): string | undefined {
  const id = vertex.inputs[at]?.vertex;
  const op = id === undefined ? undefined : graph.vertices.get(id)?.op;
  return op?.kind === "local" ? op.context : undefined;
}

/** `builder 2` of `[builder 2/4] COPY . .`. */
function placeOf({ name }: Vertex): string | undefined {
  return /^\[((?:.+ )?\d+)\/\d+\]/.exec(name)?.[1];
}

/**
 * The same step of the last build: what does the same at its place or, when an instruction came or went above it, at another
 * of the stage; else what has the same command; else what stood there, when it is of the same kind.
 */
function findLast(
  steps: History["steps"],
  place: string,
  key: StepKey,
): { readonly place: string; readonly last: StepRecord } | undefined {
  const stage = place.replace(/\d+$/, "");
  const all = Object.entries(steps)
    .flatMap(([at, last]) => (last === undefined ? [] : [{ place: at, last }]))
    .filter((one) => one.place.replace(/\d+$/, "") === stage)
    .sort((a, b) => Number(b.place === place) - Number(a.place === place));
  const command = commandOf(key.op);
  return (
    all.find(({ last }) => last.op === key.op) ??
    all.find(({ last }) => command !== undefined && commandOf(last.op) === command) ??
    all.find((one) => one.place === place && isRun(one.last.op) === isRun(key.op))
  );
}

function baseChange(vertex: Vertex, bases: History["bases"], before: History["bases"]): Miss {
  const { op } = vertex;
  if (op.kind !== "image") return { kind: "step", step: vertex.id, name: vertex.name };
  const key = baseName(op);
  const [then, now] = [before[key], bases[key]];
  return {
    kind: "base",
    name: key.slice(0, key.indexOf(" ")),
    ...(then !== undefined && then !== now && { before: then }),
    ...(now !== undefined && { now }),
  };
}
