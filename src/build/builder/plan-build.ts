import { LighterError, type OnProgress } from "#base";
import { codeFrame, errorText, type ParseResult, parse } from "#dockerfile";
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
import type { BuildInput } from "./read-dockerfile.ts";
import type { BuildRequest } from "./request.ts";

export interface PlannedBuild {
  readonly plan: Plan;
  readonly parsed: ParseResult;
  /** By {@link baseName}. */
  readonly bases: ReadonlyMap<string, Base>;
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
  sources: { readonly bases: BaseSource; readonly onProgress: OnProgress },
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
      answer.bases.map((base) => resolveBase(base, { request, parsed, ...sources })),
    );
    for (const [at, wanted] of answer.bases.entries()) {
      const base = found[at];
      if (base === undefined) continue;
      bases.set(baseName(wanted), base);
      resolved.push({ ...wanted, digest: base.digest, config: base.config });
    }
  }
}

function invalid(diagnostic: Parameters<typeof errorText>[0] | undefined, path: string): LighterError {
  if (diagnostic === undefined) return new LighterError("INTERNAL", "cannot plan: invalid without a reason");
  const { frame, hint, range } = diagnostic;
  const help = hint === undefined || diagnostic.message.includes(hint) ? "" : `; ${hint}`;
  return new LighterError("DOCKERFILE_INVALID", `${errorText(diagnostic)}${help}`, {
    details: {
      frame: `${path}:${range.start.line}\n${frame}`,
      line: range.start.line,
      code: diagnostic.code,
    },
  });
}

async function resolveBase(
  base: BaseRequest,
  context: {
    readonly request: BuildRequest;
    readonly parsed: ParseResult;
    readonly bases: BaseSource;
    readonly onProgress: OnProgress;
  },
): Promise<Base> {
  const { request, bases, onProgress } = context;
  if (formatReference(base.reference) === "docker.io/library/scratch:latest") return emptyBase(base.platform);
  const found = await bases.resolve(base.reference, {
    platform: base.platform,
    onProgress,
    ...(request.signal !== undefined && { signal: request.signal }),
  });
  if (found !== undefined) return found;
  const name = formatReference(base.reference);
  throw new LighterError(
    "BASE_NOT_FOUND",
    `failed to resolve source metadata for ${name}: ${name}: not found; looked in ${bases.describeSources()}`,
    { details: { reference: name, ...frameOfBase(base, context.parsed) } },
  );
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

/** The FROM that names the base, when one does so literally. */
function frameOfBase(base: BaseRequest, parsed: ParseResult): { readonly frame?: string } {
  const { file } = parsed;
  const short = formatReference(base.reference)
    .replace(/^docker\.io\/(library\/)?/, "")
    .replace(/:latest$/, "");
  const stage = file.stages.find(({ from }) =>
    file.text.slice(from.range.start.offset, from.range.end.offset).includes(short),
  );
  return stage === undefined ? {} : { frame: codeFrame(file.text, stage.from.range) };
}

export function planOptions(request: BuildRequest, input: BuildInput): PlanOptions {
  const { target, labels, platform, noCache, extraHosts, shmSizeBytes, ulimits, buildArgs = {} } = request;
  const hostname = buildArgs["BUILDKIT_SANDBOX_HOSTNAME"] ?? request.hostname;
  const cacheNamespace = request.cacheNamespace ?? buildArgs["BUILDKIT_CACHE_MOUNT_NS"];
  const network = request.network ?? "default";
  return {
    buildArgs: buildArgsOf(request),
    buildPlatform: hostPlatform(),
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
    ...(input.ignore !== undefined && { ignorePatterns: input.ignore.patterns }),
  };
}

/** SOURCE_DATE_EPOCH of the caller reaches the Dockerfile as docker's client sends it. */
function buildArgsOf({ buildArgs = {}, epochSeconds }: BuildRequest): Readonly<Record<string, string>> {
  if (epochSeconds === undefined || buildArgs["SOURCE_DATE_EPOCH"] !== undefined) return buildArgs;
  return { ...buildArgs, SOURCE_DATE_EPOCH: String(epochSeconds) };
}

function namedContextsOf({ namedContexts }: BuildRequest): ReadonlyMap<string, NamedContext> {
  return new Map(
    [...(namedContexts ?? [])].map(([name, context]) => [
      name,
      context.kind === "image" ? { kind: "image", reference: context.reference } : { kind: "local" },
    ]),
  );
}

/** The platform of this machine. */
export function hostPlatform(): Platform {
  return parsePlatform(`linux/${process.arch}`);
}
