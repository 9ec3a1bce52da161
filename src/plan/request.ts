import {
  type Digest,
  formatPlatform,
  formatReference,
  type ImageConfig,
  normalizePlatform,
  type Platform,
  type Reference,
} from "#oci";
import type { ExtraHost, Ulimit } from "./graph.ts";

/** A base image that a plan depends on. */
export interface BaseRequest {
  readonly reference: Reference;
  readonly platform: Platform;
}

/** The answer to a {@link BaseRequest}; `reference` and `platform` are the request's. */
export interface ResolvedBase extends BaseRequest {
  readonly digest?: Digest;
  readonly config: ImageConfig;
}

/** What replaces a stage, an image or a `--from` of the same name (`--build-context`). */
export type NamedContext =
  | { readonly kind: "local" }
  | { readonly kind: "image"; readonly reference: Reference }
  | { readonly kind: "git"; readonly url: string }
  /** A file from the web, called `context`, or what it holds when it is an archive to unpack. */
  | { readonly kind: "http"; readonly url: string; readonly unpack?: boolean }
  /** An archive that the caller put into the store, unpacked. */
  | { readonly kind: "upload"; readonly digest: Digest };

/** How to build, beside the Dockerfile. */
export interface PlanOptions {
  readonly buildArgs?: Readonly<Record<string, string>>;
  /** Name of a stage, in any case; absent: the last stage. */
  readonly target?: string;
  /** Absent: {@link PlanOptions.buildPlatform}, or what a base image says it is. */
  readonly platform?: Platform;
  readonly buildPlatform: Platform;
  /** More than one platform is built: step names say which. */
  readonly multiPlatform?: boolean;
  /** Labels of the image; win over LABEL. */
  readonly labels?: Readonly<Record<string, string>>;
  /** What earlier answers of kind `needs` asked for. */
  readonly bases?: readonly ResolvedBase[];
  readonly namedContexts?: ReadonlyMap<string, NamedContext>;
  /** Source of {@link PlanOptions.namedContexts} for the main context; absent: a local directory. */
  readonly mainContext?: NamedContext;
  /** `true`: every step runs again; names: those of these stages. */
  readonly noCache?: boolean | readonly string[];
  /** Network of RUN without `--network`. */
  readonly network?: "default" | "none" | "host";
  readonly hostname?: string;
  readonly extraHosts?: readonly ExtraHost[];
  readonly shmSizeBytes?: number;
  readonly ulimits?: readonly Ulimit[];
  /** Namespace of cache mounts; absent: the build argument `BUILDKIT_CACHE_MOUNT_NS`. */
  readonly cacheNamespace?: string;
  /** Plan the stages that the target does not need, too: for a check of the whole file. */
  readonly allStages?: boolean;
  /** `assume` plans on with an empty config where a base is not known: for checks without a registry. `ask` by default. */
  readonly unresolvedBases?: "ask" | "assume";
  /** Whether build checks run; on by default. With `# check=error=true` a finding makes the plan invalid. */
  readonly checks?: boolean;
  /** Patterns of the ignore file of the main context, for CopyIgnoredFile. */
  readonly ignorePatterns?: readonly string[];
}

/** Equal for requests with the same answer. */
export function baseKey({ reference, platform }: BaseRequest): string {
  return `${formatReference(reference)} ${formatPlatform(normalizePlatform(platform))}`;
}
