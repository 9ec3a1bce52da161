import type { OnProgress } from "#base";
import type { BuildEvent } from "#build";
import type { Image, LayerForm } from "#image";
import type { Digest } from "#oci";
import type { RegistryOptions } from "#registry";
import type { PortMapping } from "#runtime";

/** How an engine is opened. */
export interface EngineOptions {
  /** The store. @defaultValue `LIGHTER_ROOT`, else `/var/lib/lighter` */
  readonly root?: string;
  /** Receives sentences worth showing that are no failures. */
  readonly onWarning?: (text: string) => void;
  /** How registries are reached. What is not given comes from the environment: see {@link RegistrySettings}. */
  readonly registries?: RegistrySettings;
  /**
   * Where FROM looks for an image, in order. @defaultValue `LIGHTER_BASE_SOURCES` (`store,recipe,registry`), else that:
   * a recipe needs no account, has no rate limit and is signed, so it answers before a registry is asked.
   */
  readonly baseSources?: readonly BaseSourceName[];
}

/** One place where FROM may find an image. */
export type BaseSourceName = "store" | "recipe" | "registry";

/** How registries are reached. */
export interface RegistrySettings
  extends Partial<
    Pick<
      RegistryOptions,
      | "dockerConfigDirectory"
      | "mirrors"
      | "insecure"
      | "certificateDirectories"
      | "authorityFiles"
      | "connectTimeoutMs"
      | "stallTimeoutMs"
      | "retries"
      | "backoffMs"
      | "chunkBytes"
    >
  > {}

/** What `docker pull` takes. */
export interface PullOptions {
  /** `os/architecture[/variant]`. @defaultValue the host's */
  readonly platform?: string;
  /** Everything that the name leads to, not one platform's image. */
  readonly allPlatforms?: boolean;
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

export interface PullResult {
  readonly image: Image;
  /** The name the image got. */
  readonly name: string;
  /** Of what the name leads to in the registry: an index, or the manifest. */
  readonly digest: Digest;
  /** The store had it already. */
  readonly isUnchanged: boolean;
}

/** What `docker push` takes. */
export interface PushOptions {
  /** Pushes the image for this platform alone, of several. */
  readonly platform?: string;
  /** How layers that are stored uncompressed go out. @defaultValue gzip */
  readonly form?: LayerForm;
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

export interface PushResult {
  readonly name: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** The registry had it already under this name. */
  readonly isUnchanged: boolean;
}

/** What `docker build` takes; names are docker's. */
export interface BuildOptions {
  /** The context directory. */
  readonly context: string;
  /** Path of the Dockerfile. @defaultValue `Dockerfile` in the context */
  readonly file?: string;
  readonly tags?: readonly string[];
  readonly target?: string;
  /** A value of undefined takes the caller's environment, which the CLI resolves before it calls. */
  readonly buildArgs?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** `os/architecture`. @defaultValue the host's */
  readonly platform?: string;
  readonly noCache?: boolean;
  readonly network?: string;
  readonly extraHosts?: readonly string[];
  /** Steps at once. @defaultValue the number of processors */
  readonly jobs?: number;
  readonly onEvent?: (event: BuildEvent) => void;
  readonly signal?: AbortSignal;
}

export interface BuildResult {
  readonly imageId: string;
  readonly digest: string;
  readonly names: readonly string[];
  readonly sizeBytes: number;
}

/** What `docker run` takes, as far as the foreground goes. */
export interface RunOptions {
  readonly image: string;
  readonly args?: readonly string[];
  readonly name?: string;
  /** Remove the container afterwards. */
  readonly remove?: boolean;
  readonly env?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly workdir?: string;
  readonly user?: string;
  readonly hostname?: string;
  /** `bridge`, `none`, `host`. @defaultValue `bridge` */
  readonly network?: string;
  readonly ports?: readonly PortMapping[];
  /** `name:address`. */
  readonly extraHosts?: readonly string[];
  readonly volumes?: readonly string[];
  readonly readOnly?: boolean;
  readonly interactive?: boolean;
  readonly tty?: boolean;
  readonly stdio?:
    | "inherit"
    | { readonly onStdout: (chunk: Uint8Array) => void; readonly onStderr: (chunk: Uint8Array) => void };
  readonly signal?: AbortSignal;
}
