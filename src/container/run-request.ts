import type { Image } from "#image";
import type { PortMapping } from "#runtime";

/** What `docker run` asks for, as far as the foreground goes; the image is found already. */
export interface RunRequest {
  readonly image: Image;
  /** The name by which the user asked for the image. */
  readonly imageName: string;
  /** Replaces the image's Cmd when not empty. */
  readonly args?: readonly string[];
  /** Replaces the image's Entrypoint and drops its Cmd; empty takes both away. */
  readonly entrypoint?: readonly string[];
  /** Unique among containers. @defaultValue a random one */
  readonly name?: string;
  /** Leave nothing when it has ended. */
  readonly remove?: boolean;
  /** `NAME=value`, over the image's. */
  readonly env?: readonly string[];
  readonly workdir?: string;
  /** `user[:group]`, names or numbers. */
  readonly user?: string;
  readonly hostname?: string;
  /** @defaultValue `bridge` */
  readonly network?: string;
  readonly ports?: readonly PortMapping[];
  /** `name:address`. */
  readonly extraHosts?: readonly string[];
  /** `/host/path:/container/path[:ro]`. */
  readonly volumes?: readonly string[];
  readonly readOnly?: boolean;
  /** Without it the container's input is empty. */
  readonly interactive?: boolean;
  readonly tty?: boolean;
  /** @defaultValue `inherit`, this process's own streams */
  readonly stdio?:
    | "inherit"
    | { readonly onStdout: (chunk: Uint8Array) => void; readonly onStderr: (chunk: Uint8Array) => void };
  /** Stops the container. */
  readonly signal?: AbortSignal;
}
