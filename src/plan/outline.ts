import type { Range } from "#dockerfile";
import type { PlanContext } from "./context.ts";
import { type OutlineArg, type OutlineNeed, reachableFrom, type StageState } from "./stage-state.ts";

/** What can be passed to a build of a target: `--call outline`. */
export interface Outline {
  readonly name?: string;
  readonly description?: string;
  readonly args: readonly {
    readonly name: string;
    readonly description?: string;
    readonly value?: string;
    readonly range: Range;
  }[];
  readonly secrets: readonly { readonly name: string; readonly required: boolean; readonly range: Range }[];
  readonly ssh: readonly { readonly name: string; readonly required: boolean; readonly range: Range }[];
}

/** The outline of a planned target. */
export function outlineOf(context: PlanContext, target: StageState): Outline {
  const stages = [...reachableFrom(target)];
  const name = target.from?.name;
  const description = target.from?.docComment;
  return Object.freeze({
    ...(name !== undefined && { name }),
    ...(description !== undefined && { description }),
    args: sorted(argsOf(context, stages)),
    secrets: sorted(needsOf(stages, ({ outline }) => outline.secrets)),
    ssh: sorted(needsOf(stages, ({ outline }) => outline.ssh)),
  });
}

function argsOf(context: PlanContext, stages: readonly StageState[]): Outline["args"][number][] {
  const args = new Map<string, OutlineArg>();
  for (const { outline } of stages) {
    const find = (name: string): OutlineArg | undefined =>
      outline.args.get(name) ?? context.globalArgs.get(name);
    for (const name of usedNames(outline.usedArgs, find)) {
      const arg = find(name);
      if (arg !== undefined && !args.has(name)) args.set(name, arg);
    }
  }
  return Array.from(args.values(), ({ key, value, description, range }) => ({
    name: key,
    ...(description !== undefined && { description }),
    ...(value !== "" && { value }),
    range,
  }));
}

/** The names that are used, and those that their default values use. */
function usedNames(
  used: ReadonlySet<string>,
  find: (name: string) => OutlineArg | undefined,
): ReadonlySet<string> {
  // A set that grows while it is walked is a queue without repeats.
  const names = new Set(used);
  for (const name of names) for (const dependency of find(name)?.dependencies ?? []) names.add(dependency);
  return names;
}

function needsOf(
  stages: readonly StageState[],
  of: (stage: StageState) => ReadonlyMap<string, OutlineNeed>,
): Outline["secrets"][number][] {
  const needs = new Map<string, OutlineNeed>();
  for (const stage of stages)
    for (const [name, need] of of(stage)) if (!needs.has(name)) needs.set(name, need);
  return Array.from(needs, ([name, { required, range }]) => ({ name, required, range }));
}

function sorted<T extends { readonly range: Range }>(entries: readonly T[]): readonly T[] {
  return Object.freeze(entries.toSorted((a, b) => a.range.start.line - b.range.start.line));
}
