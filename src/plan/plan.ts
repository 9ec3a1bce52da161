import { isLighterError, type LighterError } from "#base";
import {
  checkSyntax,
  codeFrame,
  compileIgnore,
  createReporter,
  type Diagnostic,
  type LintWarning,
  type ParseResult,
  parseCheckOptions,
  type Range,
  silentReporter,
} from "#dockerfile";
import { createBudget, createSuggest, type PlanContext } from "./context.ts";
import { defaultHint } from "./default-hint.ts";
import { linkStages } from "./dependencies.ts";
import { dispatchStage } from "./dispatch.ts";
import { readEpoch } from "./epoch.ts";
import { fault, hintOf, rangeOf } from "./fault.ts";
import { platformArgs, readGlobalArgs } from "./global-args.ts";
import type { Plan } from "./graph.ts";
import { GraphBuilder } from "./graph-builder.ts";
import { emptyDraft } from "./image-draft.ts";
import { imageTemplate } from "./image-template.ts";
import { outlineOf } from "./outline.ts";
import { proxyEnvOf } from "./proxy-env.ts";
import { type BaseRequest, baseKey, type PlanOptions } from "./request.ts";
import { reachableStages, resolveBases } from "./resolve-bases.ts";
import { addStages, checkDefaultArgs, findTarget } from "./stage-list.ts";
import type { StageState } from "./stage-state.ts";

/** A parsed Dockerfile and how to build it. */
export interface PlanRequest extends PlanOptions {
  readonly parsed: ParseResult;
}

/** Bases have to be resolved first; ask again with them in {@link PlanOptions.bases}. */
export interface PlanNeeds {
  readonly kind: "needs";
  readonly bases: readonly BaseRequest[];
}

/** The Dockerfile cannot be built. `diagnostics` begins with what BuildKit would say. */
export interface PlanInvalid {
  readonly kind: "invalid";
  readonly diagnostics: readonly Diagnostic[];
  /** What build checks found before. */
  readonly warnings: readonly LintWarning[];
}

/** What {@link plan} gives: a plan, or what is missing, or what is wrong. */
export type PlanAnswer = Plan | PlanNeeds | PlanInvalid;

/**
 * Plans a build: a pure function of the Dockerfile, the options and the configs of its base images. Stages that the
 * target does not need are not planned, and their bases are not asked for. Never throws for what a Dockerfile says.
 */
export function plan(request: PlanRequest): PlanAnswer {
  const warnings: LintWarning[] = [];
  try {
    return planWith(request, warnings);
  } catch (error) {
    if (!isLighterError(error, "PLAN_INVALID", "DOCKERFILE_INVALID", "IGNORE_FILE_INVALID")) throw error;
    return { kind: "invalid", diagnostics: [diagnosticOf(error, request.parsed)], warnings };
  }
}

function planWith(request: PlanRequest, warnings: LintWarning[]): PlanAnswer {
  const { file, diagnostics } = request.parsed;
  if (file.text === "") throw fault("the Dockerfile cannot be empty");
  const checks = checkOptions(request);
  const reporter = request.checks === false ? silentReporter : createReporter(checks, warnings);
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  if (!errors.some(({ phase }) => phase === "syntax")) checkSyntax(file, reporter);
  if (errors.length > 0) return { kind: "invalid", diagnostics: errors, warnings };
  if (file.stages.length === 0) throw fault("dockerfile contains no stages to build");

  const context = newContext(request, reporter);
  addStages(context);
  const target = findTarget(context);
  linkStages(context);
  const missing = resolveBases(context, target);
  if (missing.length > 0) return { kind: "needs", bases: missing };
  dispatchStages(context, target);
  if (checks.error && warnings.length > 0) throw violation(warnings);
  return Object.freeze({ ...planOf(context, target), warnings: Object.freeze(warnings) });
}

function checkOptions({ parsed, buildArgs = {} }: PlanRequest): ReturnType<typeof parseCheckOptions> {
  const directive = parsed.file.directives.find(({ name }) => name === "check");
  const text = buildArgs["BUILDKIT_DOCKERFILE_CHECK"] ?? directive?.value ?? "";
  try {
    return parseCheckOptions(text);
  } catch (error) {
    if (!isLighterError(error)) throw error;
    throw fault(`failed to parse check options: ${error.message}`, {
      ...(directive !== undefined && { range: directive.range }),
      hint: "write # check=skip=RuleA,RuleB;error=true",
    });
  }
}

function newContext(request: PlanRequest, reporter: PlanContext["reporter"]): PlanContext {
  const { parsed, bases = [], ignorePatterns = [], buildPlatform } = request;
  const { file } = parsed;
  const buildArgs = new Map(Object.entries(request.buildArgs ?? {}));
  const targetPlatform = request.platform ?? buildPlatform;
  const targetName = request.target ?? file.stages.at(-1)?.from.name ?? "";
  const platformEnv = platformArgs({ build: buildPlatform, target: targetPlatform }, buildArgs, targetName);
  checkDefaultArgs({ file, reporter }, platformEnv);
  const { env, args } = readGlobalArgs(file, platformEnv, buildArgs);
  const epoch = takeEpoch(request, env, buildArgs);
  return {
    file,
    options: request,
    buildArgs,
    globalEnv: env,
    globalArgs: args,
    targetPlatform,
    isTargetImplicit: request.platform === undefined,
    noImage: emptyDraft(targetPlatform),
    ...epoch,
    table: { states: [], byName: new Map() },
    builder: new GraphBuilder(),
    reporter,
    proxyEnv: proxyEnvOf(buildArgs),
    spend: createBudget(),
    suggest: createSuggest(),
    bases: new Map(bases.map((base) => [baseKey(base), base])),
    ...(ignorePatterns.length > 0 && { ignore: compileIgnore(ignorePatterns) }),
    ignoresRoot: ignorePatterns.some((pattern) => ["*", "**", "**/*"].includes(pattern)),
    contextPaths: new Map(),
  };
}

/** SOURCE_DATE_EPOCH; where it names a source, the variable is gone afterwards, as its time is not known yet. */
function takeEpoch(
  request: PlanRequest,
  env: Map<string, string>,
  buildArgs: Map<string, string>,
): Pick<PlanContext, "epochSeconds" | "epochSource"> {
  const name = "SOURCE_DATE_EPOCH";
  const { stages, escape } = request.parsed.file;
  const namedContexts = request.namedContexts ?? new Map();
  const value = buildArgs.get(name) ?? env.get(name) ?? "";
  const epoch = readEpoch(value, { stages, escape, env, buildArgs, namedContexts });
  if (epoch === undefined) return {};
  for (const scope of [env, buildArgs]) {
    if (!scope.has(name)) continue;
    if (epoch.kind === "source") scope.delete(name);
    else scope.set(name, String(epoch.seconds));
  }
  return epoch.kind === "seconds" ? { epochSeconds: epoch.seconds } : { epochSource: epoch.source };
}

function dispatchStages(context: PlanContext, target: StageState): void {
  const reachable = reachableStages(context, target);
  const stages = context.table.states.filter(
    (state) => reachable.has(state) && (!state.isDispatched || context.options.allStages === true),
  );
  for (const state of stages) dispatchStage(context, state);
  // All of the result is used.
  target.paths.add("/");
}

function planOf(context: PlanContext, target: StageState): Omit<Plan, "warnings"> {
  const graph = context.builder.finish(target.tree, (op) => wantedPaths(context, op.context));
  return {
    kind: "plan",
    graph,
    ...(target.tree !== undefined && { target: target.tree }),
    stage: target.from?.name ?? String(context.table.states.indexOf(target)),
    platform: context.targetPlatform,
    image: imageTemplate(context, target),
    outline: outlineOf(context, target),
    ...(context.epochSeconds !== undefined && { epochSeconds: context.epochSeconds }),
    ...(context.epochSource !== undefined && { epochSource: context.epochSource }),
  };
}

function wantedPaths(context: PlanContext, name: string): readonly string[] | undefined {
  const paths = context.contextPaths.get(name);
  if (paths === undefined || paths.size === 0 || paths.has("/")) return undefined;
  return Object.freeze([...paths].map((path) => path.slice(1)).toSorted());
}

function violation(warnings: readonly LintWarning[]): LighterError {
  const rules = [...new Set(warnings.map(({ rule }) => rule))];
  const [first] = warnings;
  return fault(`lint violation found for rules: ${rules.join(", ")}`, {
    ...(first !== undefined && { range: first.range }),
    hint: "mend them, or take error=true out of the check directive",
  });
}

const start: Range = { start: { line: 1, column: 1, offset: 0 }, end: { line: 1, column: 1, offset: 0 } };

function diagnosticOf(error: LighterError, parsed: ParseResult): Diagnostic {
  const range = rangeOf(error) ?? start;
  const line = parsed.file.instructions.findLast((one) => one.range.start.offset <= range.start.offset);
  const text =
    line === undefined ? "" : parsed.file.text.slice(line.range.start.offset, line.range.end.offset);
  return Object.freeze({
    code: "plan/invalid",
    severity: "error",
    phase: "plan",
    message: error.message,
    range,
    line: range.start.line,
    hint: hintOf(error) ?? defaultHint(error.message, text),
    frame: codeFrame(parsed.file.text, range),
  });
}
