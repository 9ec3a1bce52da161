import { LighterError } from "#base";
import { type Digest, parseBaseReference } from "#oci";
import type { Vertex } from "#plan";
import type { Base } from "../ports.ts";
import { baseName } from "./plan-build.ts";
import type { PlannedPlatforms } from "./plan-platforms.ts";
import { type BuildInput, realDirectory } from "./read-dockerfile.ts";
import type { BuildOutcome, BuildRequest } from "./request.ts";

/** The vertices that give the result, one a platform. */
export function targetsOf({ plans }: PlannedPlatforms): readonly Digest[] {
  return plans.flatMap(({ target }) => (target === undefined ? [] : [target.vertex]));
}

/** What `--network=default` of a RUN means. */
export function defaultNetwork({ network }: BuildRequest): string {
  return network === undefined || network === "default" ? "bridge" : network;
}

/** Steps that fail while the first failure is looked at have nobody to tell. */
export function onceOnly(tell: BuildRequest["onStepFailure"]): BuildRequest["onStepFailure"] {
  let isTold = false;
  if (tell === undefined) return undefined;
  return async (failure) => {
    if (isTold) return;
    isTold = true;
    await tell(failure);
  };
}

/** What tells the main context from others. */
export function contextName({ remoteContext }: BuildRequest, { context = "" }: BuildInput): string {
  return remoteContext !== undefined && "url" in remoteContext ? remoteContext.url : context;
}

/** Directories by the name of the context; `context` is the main one. */
export function directoriesOf(request: BuildRequest, input: BuildInput): ReadonlyMap<string, string> {
  const named = [...(request.namedContexts ?? [])].flatMap(([name, context]): [string, string][] =>
    context.kind === "directory" ? [[name, realDirectory(context.path)]] : [],
  );
  return new Map([...(input.context === undefined ? [] : [["context", input.context] as const]), ...named]);
}

/** The base that a vertex stands for. */
export function findBase(planned: PlannedPlatforms, vertex: Vertex): Base {
  const base = vertex.op.kind === "image" ? planned.bases.get(baseName(vertex.op)) : undefined;
  if (base === undefined) throw new LighterError("INTERNAL", `cannot export: "${vertex.name}" has no base`);
  return base;
}

/** What names of images led to. */
export function resolvedBases({ bases }: PlannedPlatforms): BuildOutcome["bases"] {
  return [...bases].map(([name, { digest }]) => ({
    reference: parseBaseReference(name.slice(0, name.indexOf(" "))),
    digest,
  }));
}
