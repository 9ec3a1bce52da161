import { buildChecks } from "#dockerfile";
import {
  formatPlatform,
  formatReference,
  type ImageConfig,
  normalizePlatform,
  type Platform,
  type Reference,
} from "#oci";
import { parseBaseName } from "./base-name.ts";
import { type PlanContext, pathsOfContext } from "./context.ts";
import { contextTree } from "./context-source.ts";
import { locate } from "./fault.ts";
import { diffIdsOf, draftOf, emptyDraft } from "./image-draft.ts";
import { findNamedContext } from "./named-context.ts";
import { addOnbuildCommands } from "./onbuild.ts";
import { type BaseRequest, baseKey, type NamedContext, type ResolvedBase } from "./request.ts";
import { neighbours, reach, reachableFrom, type StageState } from "./stage-state.ts";
import { nextStepName } from "./step-name.ts";

/**
 * Gives every reachable stage its base image, and the commands that the base's ONBUILD adds; these may reach further
 * stages, so it goes on with those until nothing is new.
 * @returns the bases that are not known yet; planning cannot go on without them
 */
export function resolveBases(context: PlanContext, target: StageState): BaseRequest[] {
  const { states } = context.table;
  const isEveryStage = context.options.allStages === true;
  const reachable = new Set<StageState>();
  let found = reach(isEveryStage ? states : [target], reachable);
  // The names of stages that nobody needs are looked at, too.
  let missing = resolveAll(context, states, reachable);
  while (missing.length === 0 && found.length > 0) {
    const known = states.length;
    const extended = found.filter((state) => addOnbuildCommands(context, state));
    found = reach(isEveryStage ? states.slice(known) : extended.flatMap(neighbours), reachable);
    missing = resolveAll(context, found.toSorted(byPosition), reachable);
  }
  return missing;
}

function byPosition(a: StageState, b: StageState): number {
  return (a.position ?? 0) - (b.position ?? 0);
}

/** The stages that will be planned: those the target needs, or all of them for a check. */
export function reachableStages(context: PlanContext, target: StageState): ReadonlySet<StageState> {
  return context.options.allStages === true ? new Set(context.table.states) : reachableFrom(target);
}

function resolveAll(
  context: PlanContext,
  states: readonly StageState[],
  reachable: ReadonlySet<StageState>,
): BaseRequest[] {
  const missing = new Map<string, BaseRequest>();
  for (const state of states) {
    if (state.base !== undefined || state.isDispatched || state.isResolved) continue;
    const request = locate(state.range, () => resolveOne(context, state, reachable.has(state)));
    if (request !== undefined) missing.set(baseKey(request), request);
  }
  return [...missing.values()];
}

/** @returns what has to be known first */
function resolveOne(context: PlanContext, state: StageState, isReachable: boolean): BaseRequest | undefined {
  if (state.baseName === "scratch" && state.namedContext === undefined) {
    startEmpty(context, state);
    return undefined;
  }
  const platform = state.platform ?? context.targetPlatform;
  if (state.namedContext !== undefined)
    return isReachable ? resolveContext(context, state, { ...state.namedContext, platform }) : undefined;
  const reference = parseBaseName(state.baseName);
  if (!isReachable) return undefined;
  const named = findNamedContext(context, formatReference(reference), platform);
  if (named !== undefined) return resolveContext(context, state, { ...named, platform });
  return resolveImage(context, state, { reference, platform });
}

function startEmpty(context: PlanContext, state: StageState): void {
  state.image = emptyDraft(context.targetPlatform);
  state.platform = context.targetPlatform;
  finishResolving(state);
}

function finishResolving(state: StageState): void {
  state.isResolved = true;
  // A source has no instructions: it can be taken from at once.
  if (state.isSource) state.isDispatched = true;
}

function resolveContext(
  context: PlanContext,
  state: StageState,
  given: { readonly name: string; readonly context: NamedContext; readonly platform: Platform },
): BaseRequest | undefined {
  const { name, platform } = given;
  if (given.context.kind === "image") {
    const { reference } = given.context;
    const base = findBase(context, { reference, platform });
    if (base === undefined) return { reference, platform };
    startFromImage(context, state, {
      base,
      platform,
      name: `[context ${name}] ${formatReference(reference)}`,
    });
  } else {
    state.tree = contextTree(context, name, given.context);
    state.image = emptyDraft(platform);
    state.platform = platform;
    if (given.context.kind === "local") state.paths = pathsOfContext(context, name);
  }
  if (state.namedContext !== undefined) state.isDispatched = true;
  finishResolving(state);
  return undefined;
}

function resolveImage(
  context: PlanContext,
  state: StageState,
  request: BaseRequest,
): BaseRequest | undefined {
  const base = findBase(context, request);
  if (base === undefined) return request;
  const platform = detectPlatform(context, state, base.config) ?? request.platform;
  state.baseName = digestedName(request.reference, base);
  startFromImage(context, state, { base, platform });
  if (hasLayers(base.config)) checkImagePlatform(context, state, { expected: platform, config: base.config });
  finishResolving(state);
  return undefined;
}

function findBase(context: PlanContext, request: BaseRequest): ResolvedBase | undefined {
  const known = context.bases.get(baseKey(request));
  if (known !== undefined || context.options.unresolvedBases !== "assume") return known;
  return assumedBase(request);
}

/** A base of which only the name is known: it is taken to have a layer, and to set nothing. */
export function assumedBase(request: BaseRequest): ResolvedBase {
  return {
    ...request,
    config: { ...request.platform, rootfs: { type: "layers", diff_ids: [] }, history: [{}] },
  };
}

function startFromImage(
  context: PlanContext,
  state: StageState,
  start: { readonly base: ResolvedBase; readonly platform: Platform; readonly name?: string },
): void {
  const { base, platform } = start;
  state.image = draftOf(base.config);
  state.platform = platform;
  if (!hasLayers(base.config)) return;
  const name =
    start.name ??
    nextStepName(state, `FROM ${state.baseName}`, {
      multiPlatform: context.options.multiPlatform ?? false,
      env: new Map(),
      isOnbuild: false,
    });
  state.tree = context.builder.add({
    op: Object.freeze({
      kind: "image",
      reference: base.reference,
      platform,
      ...(base.digest !== undefined && { digest: base.digest }),
    }),
    inputs: [],
    name,
    ...(state.label !== "" && !state.isSource && { stage: state.label }),
    ...(state.from !== undefined && {
      command: state.from.original.trim(),
      range: { startLine: state.from.range.start.line, endLine: state.from.range.end.line },
    }),
  });
}

function digestedName(reference: Reference, base: ResolvedBase): string {
  return formatReference(base.digest === undefined ? reference : { ...reference, digest: base.digest });
}

/** An image with neither layers nor history that tells of one is as empty as scratch. */
function hasLayers(config: ImageConfig): boolean {
  return (
    diffIdsOf(config).length > 0 || (config.history ?? []).some(({ empty_layer }) => empty_layer !== true)
  );
}

/** When nobody asked for a platform, that of the image counts, as long as this machine can build for it. */
function detectPlatform(context: PlanContext, state: StageState, config: ImageConfig): Platform | undefined {
  if (state.platform !== undefined || !context.isTargetImplicit) return undefined;
  const build = context.options.buildPlatform;
  return config.os === build.os && config.architecture === build.architecture ? build : undefined;
}

function checkImagePlatform(
  context: PlanContext,
  state: StageState,
  { expected, config }: { readonly expected: Platform; readonly config: ImageConfig },
): void {
  if (
    state.range === undefined ||
    (expected.os === config.os && expected.architecture === config.architecture)
  )
    return;
  context.reporter.report(
    buildChecks.invalidBaseImagePlatform,
    state.range,
    state.originalName,
    formatPlatform(normalizePlatform(expected)),
    formatPlatform(normalizePlatform(config)),
  );
}
