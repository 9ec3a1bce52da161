import type { BuildEvent } from "#build";
import type { PortMapping } from "#runtime";

/** How an engine is opened. */
export interface EngineOptions {
  /** The store. @defaultValue `LIGHTER_ROOT`, else `/var/lib/lighter` */
  readonly root?: string;
  /** Receives sentences worth showing that are no failures. */
  readonly onWarning?: (text: string) => void;
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
