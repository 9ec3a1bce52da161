import {
  buildChecks,
  didYouMean,
  type Expansion,
  expandWord,
  quote,
  type Reporter,
  type Stage,
} from "#dockerfile";
import type { Platform } from "#oci";
import { isBaseName, parsePlatformWord } from "./base-name.ts";
import type { PlanContext } from "./context.ts";
import { Environment } from "./environment.ts";
import { fault, locate } from "./fault.ts";
import { readGlobalArgs } from "./global-args.ts";
import { findNamedContext } from "./named-context.ts";
import { PersistentMap } from "./persistent-map.ts";
import { addStage, type StageState } from "./stage-state.ts";

/** Warns of a FROM that names no image when no `--build-arg` is given. */
export function checkDefaultArgs(
  context: Pick<PlanContext, "file" | "reporter">,
  platformEnv: ReadonlyMap<string, string>,
): void {
  const { file, reporter } = context;
  try {
    const { env } = readGlobalArgs(file, platformEnv, new Map());
    for (const { from } of file.stages) {
      const name = expandWord(from.image, (variable) => env.get(variable), { escape: file.escape }).text;
      if (!isBaseName(name)) reporter.report(buildChecks.invalidDefaultArgInFrom, from.range, from.image);
    }
  } catch {
    // The build itself fails on the same word, with the place.
  }
}

/** Adds all stages of the file to the table, with the variables of their FROM expanded. */
export function addStages(context: PlanContext): void {
  for (const stage of context.file.stages) locate(stage.from.range, () => addOneStage(context, stage));
}

function addOneStage(context: PlanContext, stage: Stage): void {
  const { from } = stage;
  const reporter = context.reporter.within(from.comments);
  const name = expandGlobal(context, from.image);
  checkArgs(context, name, { stage, reporter });
  if (name.text === "") throw fault(`base name (${from.image}) should not be blank`);
  const platform =
    from.platform === undefined ? undefined : readPlatform(context, from.platform, { stage, reporter });
  const replaced =
    from.name === undefined ? undefined : findNamedContext(context, from.name, platform?.platform);
  const state = newStageState(context, {
    baseName: name.text,
    stage,
    ...(platform !== undefined && { platform: platform.platform }),
    ...(replaced !== undefined && { namedContext: replaced }),
  });
  addStage(context.table, state);
  if (replaced !== undefined) {
    // The context takes the place of the whole stage.
    delete state.base;
    return;
  }
  state.outline.fromArgs = new Set([...name.matched, ...(platform?.matched ?? [])]);
  state.stepTotal = countSteps(state, stage);
}

function expandGlobal(context: PlanContext, word: string): Expansion {
  return expandWord(word, (name) => context.globalEnv.get(name), { escape: context.file.escape });
}

interface At {
  readonly stage: Stage;
  readonly reporter: Reporter;
}

function checkArgs(context: PlanContext, { unmatched }: Expansion, { stage, reporter }: At): void {
  if (unmatched.size === 0) return;
  for (const name of unmatched) {
    if (context.globalArgs.has(name) || context.globalEnv.has(name)) continue;
    const suggestion = context.suggest(name, globalNames(context));
    reporter.report(buildChecks.undefinedArgInFrom, stage.from.range, name, suggestion);
  }
}

function* globalNames({ globalArgs, globalEnv }: PlanContext): Generator<string, void> {
  yield* globalArgs.keys();
  for (const name of globalEnv.keys()) if (!globalArgs.has(name)) yield name;
}

function readPlatform(
  context: PlanContext,
  word: string,
  at: At,
): { readonly platform: Platform; readonly matched: ReadonlySet<string> } {
  const expansion = locate(at.stage.from.range, () => expandPlatform(context, word));
  checkArgs(context, expansion, at);
  checkPlatform(context, word, { ...at, expansion });
  const hint = (): string => anySuggestion(expansion.unmatched, [...context.globalEnv.keys()]);
  if (expansion.text === "") throw fault(`empty platform value from expression ${word}${hint()}`);
  try {
    return {
      platform: parsePlatformWord(expansion.text, context.targetPlatform),
      matched: expansion.matched,
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw fault(`failed to parse platform ${word}: ${reason}${hint()}`);
  }
}

function expandPlatform(context: PlanContext, word: string): Expansion {
  try {
    return expandGlobal(context, word);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw fault(`failed to process arguments for platform : ${reason}`);
  }
}

function checkPlatform(context: PlanContext, word: string, at: At & { readonly expansion: Expansion }): void {
  const { expansion, reporter, stage } = at;
  const { range, name = "" } = stage.from;
  if (expansion.matched.size === 1 && expansion.unmatched.size === 0) {
    if (
      !expansion.matched.has("TARGETPLATFORM") ||
      expansion.text !== context.globalEnv.get("TARGETPLATFORM")
    )
      return;
    reporter.report(buildChecks.redundantTargetPlatform, range, word);
  }
  if (expansion.matched.size > 0 || expansion.unmatched.size > 0) return;
  const platform = findPlatform(expansion.text, context.targetPlatform);
  // A stage that is named after its platform means it.
  if (platform === undefined || name.includes(platform.os) || name.includes(platform.architecture)) return;
  reporter.report(buildChecks.fromPlatformFlagConstDisallowed, range, expansion.text);
}

function findPlatform(text: string, host: Platform): Platform | undefined {
  try {
    return parsePlatformWord(text, host);
  } catch {
    return undefined;
  }
}

function anySuggestion(words: Iterable<string>, options: readonly string[]): string {
  for (const word of words) {
    const suggestion = didYouMean(word, options);
    if (suggestion !== "") return suggestion;
  }
  return "";
}

function countSteps(state: StageState, stage: Stage): number {
  const own = stage.instructions.filter(({ kind }) => stepKinds.has(kind)).length;
  return own + (state.baseName !== "scratch" && state.base === undefined ? 1 : 0);
}

const stepKinds: ReadonlySet<string> = new Set(["ADD", "COPY", "RUN", "WORKDIR"]);

/** A stage as it is before anything of it was looked at. */
export function newStageState(
  context: PlanContext,
  parts: Pick<StageState, "baseName"> &
    Partial<Pick<StageState, "platform" | "namedContext" | "range">> & { readonly stage?: Stage },
): StageState {
  const { stage, ...rest } = parts;
  const label = stage === undefined ? "" : (stage.from.name ?? `stage-${stage.index}`);
  return {
    ...rest,
    ...(stage !== undefined && { from: stage.from, range: stage.from.range }),
    originalName: parts.baseName,
    label,
    dependencies: new Map(),
    instructions: stage?.instructions ?? [],
    commands: [],
    isSource: stage === undefined,
    ignoreCache: stage !== undefined && isUncached(context, stage.from.name ?? ""),
    isResolved: false,
    isDispatched: false,
    hasOnbuild: false,
    // Every stage gets an image of its own before anything is written to it.
    image: context.noImage,
    env: Environment.empty,
    workdir: "/",
    args: PersistentMap.empty(),
    hasWorkdir: false,
    last: {},
    outline: {
      args: new Map(),
      fromArgs: new Set(),
      usedArgs: new Set(),
      secrets: new Map(),
      ssh: new Map(),
    },
    paths: new Set(),
    stepIndex: 0,
    stepTotal: 0,
  };
}

function isUncached({ options }: PlanContext, name: string): boolean {
  const { noCache = false } = options;
  if (typeof noCache === "boolean") return noCache;
  return noCache.some((stage) => stage.toLowerCase() === name);
}

/** What `--target` names: a stage; the last one when nothing is named. */
export function findTarget(context: PlanContext): StageState {
  const { table, options } = context;
  const { target = "" } = options;
  const state = target === "" ? table.states.at(-1) : table.byName.get(target.toLowerCase());
  if (state !== undefined) return state;
  const names = table.states.map(({ label }) => label).filter((label) => label !== "");
  throw fault(`target stage ${quote(target)} could not be found${didYouMean(target, names)}`, {
    hint: `the stages are ${names.join(", ")}`,
  });
}
