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
  const seen = { stages: new Set<StageState>(), args: new Set<OutlineArg>() };
  for (const stage of stages)
    for (const [name, arg] of usedArgs(context, stage, seen)) if (!args.has(name)) args.set(name, arg);
  return Array.from(args.values(), ({ key, value, description, range }) => ({
    name: key,
    ...(description !== undefined && { description }),
    ...(value !== "" && { value }),
    range,
  }));
}

interface Seen {
  readonly stages: Set<StageState>;
  readonly args: Set<OutlineArg>;
}

/** The ARGs that a stage uses, and those that their default values use, but for those that were seen. */
function* usedArgs(
  { globalArgs }: PlanContext,
  stage: StageState,
  seen: Seen,
): Generator<readonly [string, OutlineArg], void> {
  const { outline } = stage;
  // A set that grows while it is walked is a queue without repeats.
  const names = new Set([...outline.usedArgs, ...inheritedNames(stage, seen.stages)]);
  for (const name of names) {
    const arg = outline.args.get(name) ?? globalArgs.get(name);
    if (arg === undefined || seen.args.has(arg)) continue;
    seen.args.add(arg);
    yield [name, arg];
    for (const dependency of arg.dependencies) names.add(dependency);
  }
}

/**
 * What the FROMs of a stage and of those below it use. Below a stage that was seen there is nothing new: these names
 * are global.
 */
function inheritedNames(stage: StageState, seen: Set<StageState>): string[] {
  const names: string[] = [];
  for (
    let below: StageState | undefined = stage;
    below !== undefined && !seen.has(below);
    below = below.base
  ) {
    seen.add(below);
    names.push(...below.outline.fromArgs);
  }
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
