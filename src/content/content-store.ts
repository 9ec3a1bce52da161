import type { Readable } from "node:stream";
import type { Descriptor, Digest } from "#oci";

/**
 * Blobs addressed by digest, kept as an OCI image layout (`blobs/sha256/<hex>`).
 * Every byte is verified while it is written, and again while it is read.
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
 */
export interface ContentReader {
  has(digest: Digest): boolean;
  /** Size in bytes, or undefined when the blob is absent. */
  findSize(digest: Digest): number | undefined;
  /** Where its bytes are, present or not: for a reader that verifies what comes out of them. */
  path(digest: Digest): string;
  /** The whole of a small blob, verified. @throws BLOB_NOT_FOUND, DIGEST_MISMATCH, SIZE_MISMATCH (over `limitBytes`, default 4 MiB) */
  read(digest: Digest, options?: { readonly limitBytes?: number }): Uint8Array;
  /**
   * The bytes in chunks, synchronously; a chunk is valid until the next is asked for. The last step throws DIGEST_MISMATCH
   * when the bytes are not the digest's, so nothing may be concluded before the end.
   */
  readChunks(digest: Digest): Iterable<Buffer>;
  /**
   * A stream that fails with DIGEST_MISMATCH at its end when the bytes are not the digest's. Caller reads it to the end.
   * From an offset on nothing can be verified here: only for a receiver that verifies the whole (an upload that goes on).
   */
  open(digest: Digest, options?: { readonly offsetBytes?: number }): Readable;
}

export interface IngestOptions {
  /**
   * `false` for what this machine can make again: nobody waits until it is on the disk, and a crash of the machine may leave
   * it cut. Its size tells, and reading verifies as ever. @defaultValue true
   */
  readonly isFlushed?: boolean;
  /** `false` for what is large and not read soon: it need not drive other files out of memory. @defaultValue true */
  readonly isCached?: boolean;
  /** How much will come, about: it says whether a thread for hashing is worth its start. */
  readonly expectedBytes?: number;
}

export interface ContentStore extends ContentReader {
  /** Stores bytes held in memory. Idempotent: storing the same bytes twice is one blob. */
  put(bytes: Uint8Array | string, mediaType: string): Descriptor;
  /** Starts an ingest: synchronous writes to a temporary file, made a blob by `commit`. Dropped on dispose. */
  ingest(options?: IngestOptions): Ingest;
  /**
   * Starts the ingest of a blob whose digest is known, or goes on with one that a process left unfinished. Only one ingest
   * of a digest exists at a time, over all processes: whoever comes second waits for the first.
   * @returns undefined when the blob is there, perhaps because another process has just stored it
   * @throws CANCELLED
   */
  resume(digest: Digest, signal?: AbortSignal): Promise<ResumableIngest | undefined>;
  /** Deletes blobs for which `isUsed` is false and which are older than every running ingest and lease. Returns bytes freed. */
  collect(isUsed: (digest: Digest) => boolean): number;
  list(): readonly Digest[];
}

/** A write in progress. `write` and `commit` are synchronous: the kernel's page cache is fast and order is certain. */
export interface Ingest extends Disposable {
  /** @throws STORE_FULL */
  write(bytes: Uint8Array): void;
  /**
   * Verifies, flushes and renames into place. Atomic: readers see the blob whole or not at all.
   * @throws DIGEST_MISMATCH, SIZE_MISMATCH when `expect` differs; nothing is kept then
   */
  commit(mediaType: string, expect?: { readonly digest?: Digest; readonly sizeBytes?: number }): Descriptor;
}

/** An ingest that is kept when it is disposed before it is committed: a later one goes on where it ended. */
export interface ResumableIngest extends Ingest {
  /** Bytes that are there already. */
  readonly offsetBytes: number;
  /** Forgets what was written; the next byte is the first. */
  restart(): void;
}
