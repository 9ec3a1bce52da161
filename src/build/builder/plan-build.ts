import { LighterError, type OnProgress } from "#base";
import { errorText, type ParseResult, parse } from "#dockerfile";
import { digestOf, formatReference, type Platform, parsePlatform } from "#oci";
import {
  type BaseRequest,
  type NamedContext,
  type Plan,
  type PlanOptions,
  plan,
  type ResolvedBase,
} from "#plan";
import type { Base, BaseSource } from "../ports.ts";
import { baseFailure, baseNotFound } from "./base-failure.ts";
import { isMultiPlatform } from "./multi-platform.ts";
import type { BuildInput } from "./read-dockerfile.ts";
import type { BuildRequest, NamedContextRequest } from "./request.ts";

export interface PlannedBuild {
  readonly plan: Plan;
  readonly parsed: ParseResult;
  /** By {@link baseName}. */
  readonly bases: ReadonlyMap<string, Base>;
}

/** Where bases come from and who is told. */
export interface BaseLookup {
  readonly bases: BaseSource;
  readonly onProgress: OnProgress;
  readonly onBase: (request: BaseRequest, base: Base) => void;
}

/** The key of a base: two requests with one name are one base. */
export function baseName({ reference, platform }: BaseRequest): string {
  return `${formatReference(reference)} ${platform.os}/${platform.architecture}/${platform.variant ?? ""}`;
}

/**
 * Plans the build, getting the bases that the target needs, all that are known to be needed at once.
 * @throws DOCKERFILE_INVALID with a frame; BASE_NOT_FOUND
 */
export async function planBuild(
  request: BuildRequest,
  input: BuildInput,
  sources: BaseLookup,
): Promise<PlannedBuild> {
  const parsed = parse(input.dockerfile);
  const options = planOptions(request, input);
  const bases = new Map<string, Base>();
  const resolved: ResolvedBase[] = [];
  for (;;) {
    const answer = plan({ ...options, parsed, bases: resolved });
    if (answer.kind === "plan") return { plan: answer, parsed, bases };
    if (answer.kind === "invalid") throw invalid(answer.diagnostics[0], input.dockerfilePath);
    const found = await Promise.all(
      answer.bases.map((base) =>
        resolveBase(base, { request, parsed, dockerfilePath: input.dockerfilePath, ...sources }),
      ),
    );
    for (const [at, wanted] of answer.bases.entries()) {
      const base = found[at];
      if (base === undefined) continue;
      bases.set(baseName(wanted), base);
      sources.onBase(wanted, base);
      resolved.push({ ...wanted, digest: base.digest, config: base.config });
    }
  }
}

function invalid(diagnostic: Parameters<typeof errorText>[0] | undefined, path: string): LighterError {
  if (diagnostic === undefined) return new LighterError("INTERNAL", "cannot plan: invalid without a reason");
  const { frame, hint, range } = diagnostic;
  const help = hint === undefined || diagnostic.message.includes(hint) ? "" : `; ${hint}`;
  // What lies in no line, as a target that does not exist, points at the very start.
  const place =
    range.end.offset === 0 ? {} : { frame: `${path}:${range.start.line}\n${frame}`, line: range.start.line };
  return new LighterError("DOCKERFILE_INVALID", `${errorText(diagnostic)}${help}`, {
    details: { ...place, code: diagnostic.code },
  });
}

async function resolveBase(
  base: BaseRequest,
  context: {
    readonly request: BuildRequest;
    readonly parsed: ParseResult;
    readonly dockerfilePath: string;
    readonly bases: BaseSource;
    readonly onProgress: OnProgress;
  },
): Promise<Base> {
  const { request, bases, onProgress } = context;
  if (formatReference(base.reference) === "docker.io/library/scratch:latest") return emptyBase(base.platform);
  const options = {
    platform: base.platform,
    onProgress,
    ...(request.signal !== undefined && { signal: request.signal }),
  };
  const given = givenImage(base, request);
  const found = await (given?.(options) ?? bases.resolve(base.reference, options)).catch((error: unknown) => {
    throw baseFailure(error, base, context);
  });
  if (found !== undefined) return found;
  throw baseNotFound(base, { ...context, sources: bases.describeSources() });
}

/** How a named context gets the image by itself. The plan asks with the very reference that it was given. */
function givenImage({ reference }: BaseRequest, { namedContexts }: BuildRequest) {
  for (const context of namedContexts?.values() ?? [])
    if (context.kind === "image" && context.reference === reference) return context.resolve;
  return undefined;
}

/** `scratch` under another name (`--build-context x=docker-image://scratch`). */
function emptyBase(platform: Platform): Base {
  return {
    digest: digestOf("scratch"),
    config: { ...platform, config: { WorkingDir: "/" }, rootfs: { type: "layers", diff_ids: [] } },
    layers: [],
    origin: "an empty image",
    snapshot: async () => undefined,
  };
}

export function planOptions(request: BuildRequest, input: BuildInput): PlanOptions {
  const { target, labels, platform, noCache, extraHosts, shmSizeBytes, ulimits, buildArgs = {} } = request;
  const hostname = buildArgs["BUILDKIT_SANDBOX_HOSTNAME"] ?? request.hostname;
  const cacheNamespace = request.cacheNamespace ?? buildArgs["BUILDKIT_CACHE_MOUNT_NS"];
  const network = request.network ?? "default";
  return {
    buildArgs: buildArgsOf(request),
    buildPlatform: hostPlatform(),
    multiPlatform: isMultiPlatform(request),
    ...(target !== undefined && target !== "" && { target }),
    ...(labels !== undefined && { labels }),
    ...(platform !== undefined && { platform }),
    ...(noCache !== undefined && { noCache }),
    ...(hostname !== undefined && { hostname }),
    ...(extraHosts !== undefined && { extraHosts }),
    ...(shmSizeBytes !== undefined && { shmSizeBytes }),
    ...(ulimits !== undefined && { ulimits }),
    ...(cacheNamespace !== undefined && { cacheNamespace }),
    network: network === "none" || network === "host" ? network : "default",
    namedContexts: namedContextsOf(request),
    ...(input.mainContext !== undefined && { mainContext: input.mainContext }),
    ...(input.ignore !== undefined && { ignorePatterns: input.ignore.patterns }),
  };
}

/** SOURCE_DATE_EPOCH of the caller reaches the Dockerfile as docker's client sends it. */
function buildArgsOf({ buildArgs = {}, epochSeconds }: BuildRequest): Readonly<Record<string, string>> {
  if (epochSeconds === undefined || buildArgs["SOURCE_DATE_EPOCH"] !== undefined) return buildArgs;
  return { ...buildArgs, SOURCE_DATE_EPOCH: String(epochSeconds) };
}

function namedContextsOf({ namedContexts }: BuildRequest): ReadonlyMap<string, NamedContext> {
  return new Map([...(namedContexts ?? [])].map(([name, context]) => [name, planContext(context)]));
}

function planContext(context: NamedContextRequest): NamedContext {
  switch (context.kind) {
    case "directory":
      return { kind: "local" };
    case "image":
      return { kind: "image", reference: context.reference };
    case "git":
    case "http":
      return context;
  }
}

/** The platform of this machine. */
export function hostPlatform(): Platform {
  return parsePlatform(`linux/${process.arch}`);
}
