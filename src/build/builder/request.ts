import type { Image } from "#image";
import type { Descriptor, Digest, Platform, Reference } from "#oci";
import type { ExtraHost, Plan, PlanOptions, Ulimit } from "#plan";
import type { ResourceLimits } from "#runtime";
import type { AttestationRequest } from "../attest/attestations.ts";
import type { CacheSource, CacheTarget } from "../cache/places.ts";
import type { BuildEvent, StepId } from "../events.ts";
import type { FindAgent, FindSecret } from "../exec/secret-files.ts";
import type { Annotation, BuildOutput } from "../export/output.ts";
import type { Base, BaseSource } from "../ports.ts";

/** One build. Paths are absolute. */
export interface BuildRequest {
  /** The context directory; absent: an empty context. */
  readonly context?: string;
  /** The main context when it is no directory of this machine; {@link BuildRequest.context} is absent then. */
  readonly remoteContext?: RemoteContextRequest;
  /**
   * The Dockerfile: a path, which in a remote context may be a relative one, its text, or its address.
   * @defaultValue `Dockerfile`, then `dockerfile`, in the context
   */
  readonly dockerfile?: { readonly path: string } | { readonly text: string } | { readonly url: string };
  /** Where this build gets its bases. @defaultValue the builder's */
  readonly bases?: BaseSource;
  /** By name, in lower case and as docker shortens it; `name::os/architecture` is for one platform. */
  readonly namedContexts?: ReadonlyMap<string, NamedContextRequest>;
  readonly target?: string;
  readonly buildArgs?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** @defaultValue the host's */
  readonly platform?: Platform;
  /** Several platforms in one image, instead of {@link BuildRequest.platform}. */
  readonly platforms?: readonly Platform[];
  /** Every step, or the steps of these stages, run again. */
  readonly noCache?: boolean | readonly string[];
  /** What RUN gets without `--network`: `default`, `none`, `host`, or a network of the engine. */
  readonly network?: string;
  readonly extraHosts?: readonly ExtraHost[];
  readonly hostname?: string;
  readonly shmSizeBytes?: number;
  readonly ulimits?: readonly Ulimit[];
  /** The cgroup below which those of RUN are made; clean and absolute. */
  readonly cgroupParent?: string;
  /** Of each RUN, in docker's words; no part of what steps are known by. @defaultValue none */
  readonly limits?: ResourceLimits;
  readonly cacheNamespace?: PlanOptions["cacheNamespace"];
  /** What the image will be called; none leaves it dangling. */
  readonly names?: readonly Reference[];
  /** `network.host` and `security.insecure`, which a Dockerfile may not take by itself. */
  readonly allow?: readonly string[];
  /** @defaultValue no secrets */
  readonly findSecret?: FindSecret;
  /** @defaultValue no agents */
  readonly findAgent?: FindAgent;
  /** SOURCE_DATE_EPOCH. @defaultValue {@link defaultEpochSeconds} */
  readonly epochSeconds?: number;
  /** Reasons of misses are worked out to the file, which for large contexts takes a moment. */
  readonly explain?: boolean;
  /** Steps at once; at least 1. */
  readonly jobs: number;
  /**
   * Told of the first RUN that fails, while its tree, its mounts and its network are still there; the build fails when this
   * has ended.
   */
  readonly onStepFailure?: (failure: StepFailure) => Promise<void>;
  /** What becomes of the result. @defaultValue an image in the store */
  readonly outputs?: readonly BuildOutput[];
  /** Of every image that is written. */
  readonly annotations?: readonly Annotation[];
  /** @defaultValue nothing is said */
  readonly attestations?: AttestationRequest;
  /** Where results of earlier builds may lie, asked in order when the store has none. */
  readonly cacheFrom?: readonly CacheSource[];
  /** Where the results go, so that other stores can use them. */
  readonly cacheTo?: readonly CacheTarget[];
  /** What FROM and ADD resolve to: held to what the file says, and written down what it does not say. */
  readonly lockFile?: string;
  /** The layers that the build makes become one. */
  readonly squash?: boolean;
  /** Takes what an output writes to the standard output. */
  readonly writeStdout?: (chunk: Uint8Array) => Promise<void> | void;
  readonly onEvent?: (event: BuildEvent) => void;
  readonly signal?: AbortSignal;
}

/** A main context that has to be brought here. No ignore file holds for it, as with docker. */
export type RemoteContextRequest =
  /** A repository, as ADD names one. */
  | { readonly kind: "git"; readonly url: string }
  /** An archive or a Dockerfile from the web. */
  | { readonly kind: "http"; readonly url: string }
  /** An archive, or a Dockerfile that needs no context. */
  | { readonly kind: "stream"; readonly chunks: AsyncIterable<Uint8Array> };

/** What replaces a stage, an image or a `--from` of the same name. */
export type NamedContextRequest =
  | { readonly kind: "directory"; readonly path: string }
  | {
      readonly kind: "image";
      /** Asked for as FROM asks for it; with `resolve` only a name, and no other image's. */
      readonly reference: Reference;
      /** Gets the image instead of the sources of bases. */
      readonly resolve?: (options: Parameters<BaseSource["resolve"]>[1]) => Promise<Base>;
    }
  /** A repository, as ADD names one. */
  | { readonly kind: "git"; readonly url: string }
  /** A file from the web, called `context`. */
  | { readonly kind: "http"; readonly url: string };

/** A RUN that failed. */
export interface StepFailure {
  readonly step: StepId;
  /** BuildKit's words: `[2/4] RUN make`. */
  readonly name: string;
  readonly message: string;
  readonly exitCode: number;
  /**
   * Opens a shell on this process's own streams, with what the step had; a tree without a shell stands at `/target` of one
   * with tools. @returns the shell's status
   */
  openShell(): Promise<number>;
}

/**
 * The time of everything that a build makes when nobody names one: 1 February 1980, which is in the range of zip and FAT
 * in every time zone. A fixed time, so that the same input gives the same image on every machine.
 */
export const defaultEpochSeconds = 318_211_200;

export interface BuildOutcome {
  /** The image in the store, when one was put there. */
  readonly image?: Image;
  /** What was written first as an image, wherever it went; absent when only files were written. */
  readonly written?: WrittenImage;
  /** The plan of the first platform. */
  readonly plan: Plan;
  /** Digests of what FROM and `--from` named, as they were resolved. */
  readonly bases: readonly { readonly reference: Reference; readonly digest: Digest }[];
  /** Steps that ran and steps whose results were known. */
  readonly steps: { readonly ran: number; readonly cached: number };
}

/** An image as it was written down. */
export interface WrittenImage {
  /** Its manifest, or the index of several. */
  readonly descriptor: Descriptor;
  /** Of the one image; absent when there are several. */
  readonly config?: Digest;
  readonly names: readonly Reference[];
  /** By platform (`linux/amd64`): the provenance that was attached. */
  readonly provenance: Readonly<Record<string, unknown>>;
}
