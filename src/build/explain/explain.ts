import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Graph, Vertex } from "#plan";
import type { StepId } from "../events.ts";
import { hashKey } from "../solve/keys.ts";

/** What the first key of a step was made of. */
export interface StepKey {
  readonly op: string;
  readonly inputs: readonly string[];
}

export interface Explanations {
  /** Why a step had to run, against the last build of the same Dockerfile; for people. */
  explain(vertex: Vertex, key: StepKey | undefined): string | undefined;
  /** Keeps the keys for the next build. */
  save(keys: ReadonlyMap<StepId, StepKey>): void;
}

type Changes = ReadonlyMap<string, "changed" | "new">;

/** Compares steps by their place: stage and number. */
export function openExplanations(
  directory: string,
  build: {
    /** Dockerfile, context and target: what makes two builds comparable. */
    readonly identity: readonly string[];
    readonly graph: Graph;
    /** Files that are new or changed in a context. */
    readonly changes: (context: string) => Changes | undefined;
  },
): Explanations {
  const file = join(directory, `${hashKey(...build.identity).slice(0, 32)}.json`);
  const before = load(file);
  return {
    explain(vertex, key) {
      if (vertex.ignoreCache) return "caching is switched off for it";
      const place = placeOf(vertex);
      if (place === undefined || key === undefined) return undefined;
      const last = before[place];
      if (last === undefined) return "it was not built before";
      if (last.op !== key.op) return describeOpChange(last.op, key.op);
      const at = key.inputs.findIndex((input, position) => input !== last.inputs[position]);
      if (at < 0) return "its result is no longer in the store";
      return describeInputChange(vertex, at, build);
    },
    save(keys) {
      const steps = [...build.graph.vertices.values()].flatMap((vertex) => {
        const place = placeOf(vertex);
        const key = keys.get(vertex.id);
        return place === undefined || key === undefined ? [] : [[place, key] as const];
      });
      if (steps.every(([place, key]) => isEqual(before[place], key))) return;
      const temporary = `${file}.${process.pid}`;
      writeFileSync(temporary, JSON.stringify({ ...before, ...Object.fromEntries(steps) }));
      renameSync(temporary, file);
    },
  };
}

function load(file: string): Readonly<Record<string, StepKey | undefined>> {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return {}; // the first build, or a file that was cut: there is nothing to compare with
  }
}

function isEqual(a: StepKey | undefined, b: StepKey): boolean {
  return a?.op === b.op && a.inputs.join() === b.inputs.join();
}

/** `builder 2` of `[builder 2/4] COPY . .`. */
function placeOf({ name }: Vertex): string | undefined {
  return /^\[((?:.+ )?\d+)\/\d+\]/.exec(name)?.[1];
}

function describeOpChange(before: string, now: string): string {
  const a = parseExec(before);
  const b = parseExec(now);
  if (a === undefined || b === undefined) return "the instruction changed";
  if (a.args.join("\0") !== b.args.join("\0")) return "the command changed";
  const names = changedVariables(a.env, b.env);
  if (names.length > 0) return `${names.join(", ")} changed`;
  return "the instruction's options changed";
}

interface ExecKey {
  readonly args: readonly string[];
  readonly env: readonly string[];
}

function parseExec(op: string): ExecKey | undefined {
  const value: { readonly kind?: string } & Partial<ExecKey> = JSON.parse(op);
  const { args, env } = value;
  return value.kind === "exec" && args !== undefined && env !== undefined ? { args, env } : undefined;
}

/** Names only: values may be secrets. */
function changedVariables(before: readonly string[], now: readonly string[]): readonly string[] {
  const different = [
    ...before.filter((variable) => !now.includes(variable)),
    ...now.filter((variable) => !before.includes(variable)),
  ];
  return [...new Set(different.map((variable) => variable.replace(/=[\s\S]*$/, "")))];
}

function describeInputChange(
  vertex: Vertex,
  at: number,
  build: { readonly graph: Graph; readonly changes: (context: string) => Changes | undefined },
): string {
  const id = vertex.inputs[at]?.vertex;
  const input = id === undefined ? undefined : build.graph.vertices.get(id);
  if (input?.op.kind === "local") return describeFiles(build.changes(input.op.context));
  if (input?.op.kind === "image") return `the base image changed (${input.name})`;
  return `${input?.name ?? "an earlier step"} has another result`;
}

const shownFiles = 3;

function describeFiles(changes: Changes | undefined): string {
  if (changes === undefined || changes.size === 0) return "files changed, were removed or were renamed";
  const shown = [...changes]
    .slice(0, shownFiles)
    .map(([path, change]) => `${path === "" ? "/" : path} ${change}`);
  const more = changes.size > shownFiles ? ` and ${changes.size - shownFiles} more` : "";
  return `${shown.join(", ")}${more}`;
}
