import type { Descriptor, Digest, Reference } from "#oci";
import type { Credentials, KeptIn } from "./auth/credentials.ts";

/** A client of the distribution protocol. Disposing closes its connections. @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md */
export interface RegistryClient extends Disposable {
  /**
   * A manifest or an index, its bytes verified: against the digest of the reference, else against what the registry says.
   * @returns undefined when the registry has none of that name
   * @throws REGISTRY_UNREACHABLE, REGISTRY_DENIED, REGISTRY_FAILED, DIGEST_MISMATCH, CANCELLED (all calls may)
   */
  findManifest(reference: Reference, options?: CallOptions): Promise<FetchedManifest | undefined>;
  /** @throws MANIFEST_NOT_FOUND and what `findManifest` throws */
  getManifest(reference: Reference, options?: CallOptions): Promise<FetchedManifest>;
  /** What a name leads to, without its bytes. `access: "push"` for who is about to push there. @defaultValue `pull` */
  findDescriptor(
    reference: Reference,
    options?: CallOptions & { readonly access?: "pull" | "push" },
  ): Promise<Descriptor | undefined>;
  /** Stores a manifest whose blobs are there; tells the referrers of its subject where the registry does not do so itself. */
  pushManifest(reference: Reference, manifest: PushedManifest, options?: CallOptions): Promise<void>;
  hasBlob(repository: Repository, digest: Digest, options?: CallOptions): Promise<boolean>;
  /**
   * The bytes of a blob from `offsetBytes` on, going on by range when the line breaks, never more than its size. They are
   * NOT verified here: whoever takes them computes the digest (a content ingest, {@link verified}).
   * @throws BLOB_NOT_FOUND, SIZE_MISMATCH when the registry has another size
   */
  fetchBlob(repository: Repository, blob: Descriptor, options?: FetchOptions): AsyncIterable<Uint8Array>;
  /**
   * What any web server has at an address, over the proxies and with the authorities that registries are reached with;
   * nobody is told a password. @throws ARGUMENT_INVALID, CANCELLED
   */
  fetchFile(address: string, options?: CallOptions): AsyncIterable<Uint8Array>;
  /**
   * The same as an answer, whatever its status, with header fields (lower case) of the caller's own. An `authorization`
   * goes to the host of the address only.
   */
  openFile(
    address: string,
    options?: CallOptions & { readonly headers?: Readonly<Record<string, string>> },
  ): Promise<WebFile>;
  /** Makes the repository have a blob: nothing when it is there, mounted from another one, else uploaded. */
  pushBlob(repository: Repository, blob: BlobSource, options?: PushOptions): Promise<PushOutcome>;
  /** Manifests that have this one as subject. */
  listReferrers(
    reference: Reference,
    options?: CallOptions & { readonly artifactType?: string },
  ): Promise<readonly Descriptor[]>;
  listTags(repository: Repository, options?: CallOptions): Promise<readonly string[]>;
  /** Tries the credentials and stores them as docker does. @throws CREDENTIALS_INVALID when they are refused */
  login(registry: string, credentials: Credentials, options?: CallOptions): Promise<KeptIn>;
  /** @returns whether there were credentials */
  logout(registry: string): Promise<boolean>;
}

export type Repository = Pick<Reference, "registry" | "repository">;

/** What a web server answered. Disposing closes the connection; the body is read at most once. */
export interface WebFile extends Disposable {
  readonly status: number;
  readonly statusText: string;
  /** Names are in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Without the encoding of the transfer. */
  readonly body: AsyncIterable<Uint8Array>;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface FetchOptions extends CallOptions {
  /** @defaultValue 0 */
  readonly offsetBytes?: number;
}

export interface PushOptions extends CallOptions {
  /** Repositories of the same registry that are known to have the blob. */
  readonly mountFrom?: readonly string[];
  /** Bytes that the registry has taken so far. */
  readonly onSent?: (sentBytes: number) => void;
}

export type PushOutcome = "existed" | "mounted" | "uploaded";

/** A blob to be uploaded. `open` may be called again for another attempt; its chunks stay valid. */
export interface BlobSource {
  readonly descriptor: Descriptor;
  open(offsetBytes: number): AsyncIterable<Uint8Array>;
}

export interface FetchedManifest {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
  /** Where it was fetched: the registry, or the mirror that answered. */
  readonly from: string;
}

export interface PushedManifest {
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}
