import type { OnProgress } from "#base";
import type { BuildEvent, StepFailure } from "#build";
import type { ContainerOptions, StreamOptions } from "#container";
import type { Image, LayerForm } from "#image";
import type { Descriptor, Digest } from "#oci";
import type { RegistryOptions } from "#registry";
import type { ResourceLimits } from "#runtime";

/** How an engine is opened. */
export interface EngineOptions {
  /** The store. @defaultValue `LIGHTER_ROOT`, else `/var/lib/lighter` */
  readonly root?: string;
  /** Receives sentences worth showing that are no failures. */
  readonly onWarning?: (text: string) => void;
  /** How registries are reached. What is not given comes from the environment: see {@link RegistrySettings}. */
  readonly registries?: RegistrySettings;
  /**
   * Where FROM looks for an image: sources in the order they are asked, with a pattern before them for some names only
   * (`gcr.io/distroless/*=recipe`); the first that fits a name holds. @defaultValue `LIGHTER_BASE_SOURCES`, then the
   * configuration file, then `store,recipe,registry`: a recipe needs no account, has no rate limit and is signed, so it
   * answers before a registry is asked
   */
  readonly baseSources?: readonly string[];
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

/** How an image is copied. */
export interface CopyOptions {
  /** Copies the image for this platform alone. @defaultValue everything that the name leads to */
  readonly platform?: string;
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

/** A manifest or an index as the registry has it. */
export interface ManifestDocument {
  readonly descriptor: Descriptor;
  /** JSON, byte for byte. */
  readonly text: string;
}

export interface CopyResult {
  /** Of what was copied: an index, or the manifest. */
  readonly digest: Digest;
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
  /**
   * A directory, the URL of a git repository, of an archive or of a Dockerfile, or `-` for an archive or a Dockerfile on
   * {@link BuildOptions.stdin}.
   */
  readonly context: string;
  /**
   * Path of the Dockerfile, which in a remote context may be relative to it, its URL, or `-` for {@link BuildOptions.stdin}.
   * @defaultValue `Dockerfile` in the context
   */
  readonly file?: string;
  /** Read where `-` stands for it. */
  readonly stdin?: AsyncIterable<Uint8Array>;
  /**
   * What replaces a stage, an image or a `--from` of that name: a directory, `docker-image://NAME`,
   * `oci-layout://DIR[:TAG][@DIGEST]`, `recipe:NAME` or `recipe:FILE.yaml`, the URL of a git repository or of a file.
   */
  readonly contexts?: Readonly<Record<string, string>>;
  /** Rules as {@link EngineOptions.baseSources} has them, that hold before those. */
  readonly sources?: readonly string[];
  readonly tags?: readonly string[];
  readonly target?: string;
  /** A value of undefined takes the caller's environment, which the CLI resolves before it calls. */
  readonly buildArgs?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** `os/architecture`, or several with commas between, which become one image. @defaultValue the host's */
  readonly platform?: string;
  /** As `--output` has it: `type=oci,dest=image.tar`. @defaultValue an image in the store */
  readonly outputs?: readonly string[];
  /** Puts the image into the store, beside {@link BuildOptions.outputs}. */
  readonly load?: boolean;
  /** Sends the image to the registries that its names say. */
  readonly push?: boolean;
  /** As `--annotation` has it: `index:org.opencontainers.image.title=calculator`. */
  readonly annotations?: readonly string[];
  /** As `--attest`, `--provenance` and `--sbom` have it. @defaultValue nothing is attested */
  readonly attest?: readonly string[];
  readonly provenance?: string;
  readonly sbom?: string;
  /** As `--cache-from` and `--cache-to` have it: `type=local,dest=cache,mode=max`. */
  readonly cacheFrom?: readonly string[];
  readonly cacheTo?: readonly string[];
  /** Makes one layer of those that the build makes. */
  readonly squash?: boolean;
  /** A file that holds bases and remote files to what they were when it was written. */
  readonly lockFile?: string;
  /** Takes what an output with `dest=-` writes. */
  readonly writeStdout?: (chunk: Uint8Array) => Promise<void> | void;
  /** Works the reasons of misses out to the last file; without it a reason may name less where many files are taken. */
  readonly explain?: boolean;
  readonly noCache?: boolean;
  /** Stages whose steps run again. */
  readonly noCacheFilter?: readonly string[];
  /** Looks for bases everywhere but in the store. */
  readonly pull?: boolean;
  /** What RUN without `--network` gets: `default`, `none`, `host` or a network of the engine by its name. */
  readonly network?: string;
  readonly extraHosts?: readonly string[];
  /** As `--secret` has them: `id=token,env=TOKEN` or `id=token,src=FILE`. */
  readonly secrets?: readonly string[];
  /** As `--ssh` has them: `default`, `ID=SOCKET` or `ID=KEYFILE`. */
  readonly ssh?: readonly string[];
  /** What a Dockerfile may not take by itself: `network.host`, `security.insecure`, `device`; `buildx.local.delete`, see `mode=delete`. */
  readonly allow?: readonly string[];
  /** Of `/dev/shm` in RUN. */
  readonly shmSizeBytes?: number;
  /** As `--ulimit` has them: `nofile=1024:2048`. */
  readonly ulimits?: readonly string[];
  /** Memory and processors of each RUN. @defaultValue none */
  readonly limits?: ResourceLimits;
  /** The cgroup below which RUN's are made. @defaultValue `/lighter` */
  readonly cgroupParent?: string;
  /** Told of the first RUN that fails, while a shell can still be opened in it. */
  readonly onStepFailure?: (failure: StepFailure) => Promise<void>;
  /** Steps at once. @defaultValue the number of processors */
  readonly jobs?: number;
  readonly onEvent?: (event: BuildEvent) => void;
  readonly signal?: AbortSignal;
}

export interface BuildResult {
  /** Digest of the config; absent when no image was written, or one for several platforms. */
  readonly imageId?: string;
  /** Of the manifest, or of the index of several; absent when no image was written. */
  readonly digest?: string;
  readonly names: readonly string[];
  /** Of the uncompressed layers; absent when no image was put into the store. */
  readonly sizeBytes?: number;
  /** What `--metadata-file` holds, under BuildKit's keys. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** What `docker create` and `docker run` take. */
export interface RunOptions extends ContainerOptions, StreamOptions {
  readonly image: string;
  /** `os/architecture[/variant]` of the image. @defaultValue the host's */
  readonly platform?: string;
}
