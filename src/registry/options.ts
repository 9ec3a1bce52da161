import type { Host } from "#host";

/** How registries are reached. Everything is optional: with nothing it is https to the registry itself, anonymously. */
export interface RegistryOptions {
  /** Starts credential helpers. */
  readonly host: Pick<Host, "processes">;
  /** The directory of docker's `config.json`; undefined: no stored credentials. */
  readonly dockerConfigDirectory?: string;
  /** By registry (`docker.io`): addresses that are asked first for what is read (`https://mirror.example/prefix`). */
  readonly mirrors?: Readonly<Record<string, readonly string[]>>;
  /**
   * Registries (`host`, `host:port`, an address or a CIDR) of which certificates are not verified, and which are asked
   * over plain http when they do not speak TLS. @defaultValue docker's: `localhost`, `127.0.0.0/8`, `::1`
   */
  readonly insecure?: readonly string[];
  /** Directories laid out as `/etc/docker/certs.d`: `<host:port>/*.crt`, `*.cert`, `*.key`. */
  readonly certificateDirectories?: readonly string[];
  /** PEM files with further certificate authorities. */
  readonly authorityFiles?: readonly string[];
  /** `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, in either case. */
  readonly proxyEnv?: Readonly<Record<string, string>>;
  /** Until a connection stands, name look-up and TLS included. @defaultValue 10 s */
  readonly connectTimeoutMs?: number;
  /** Without a byte for this long, a connection counts as broken. @defaultValue 30 s */
  readonly stallTimeoutMs?: number;
  /** Further attempts after one that brought nothing new. @defaultValue 5 */
  readonly retries?: number;
  /** Pause before the first further attempt; doubles each time, up to 20 s. @defaultValue 250 ms */
  readonly backoffMs?: number;
  /** Connections at once to one host. @defaultValue 8 */
  readonly maxConnections?: number;
  /** Length of the pieces in which large blobs are uploaded. @defaultValue 64 MiB */
  readonly chunkBytes?: number;
}

/** What docker takes for insecure without being told. */
export const loopback: readonly string[] = Object.freeze(["localhost", "127.0.0.0/8", "::1"]);
