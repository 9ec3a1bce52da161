import type { OnProgress } from "#base";
import type { Descriptor } from "#oci";
import type { ImageBytes } from "./document.ts";

/** A place that an image is read from. Documents come verified; blobs are verified by whoever takes them. */
export interface ImageSource {
  /** For people: `localhost:5000/calculator:latest`, `oci:layout`. */
  readonly description: string;
  /** What the name leads to: a manifest or an index. */
  getTop(signal?: AbortSignal): Promise<ImageBytes>;
  getManifest(descriptor: Descriptor, signal?: AbortSignal): Promise<Uint8Array>;
  readBlob(
    blob: Descriptor,
    options: { readonly offsetBytes: number; readonly signal?: AbortSignal },
  ): AsyncIterable<Uint8Array>;
  /** `registry/repository` paths that are known to have the blob: a registry can take it from there by itself. */
  repositoriesOf(blob: Descriptor): readonly string[];
}

/** A place that an image is written to. Blobs come before the manifests that name them, the top document last. */
export interface ImageTarget {
  readonly description: string;
  /** Its `registry/repository` path, when it is in one. */
  readonly repository?: string;
  /** What the name leads to now; undefined where nothing is known. */
  findTop(signal?: AbortSignal): Promise<Descriptor | undefined>;
  /** How many blobs it takes at once. */
  readonly width: number;
  putBlob(blob: Descriptor, options: PutBlobOptions): Promise<BlobOutcome>;
  putManifest(
    document: ImageBytes,
    options: { readonly isTop: boolean; readonly signal?: AbortSignal },
  ): Promise<void>;
  /** Makes the image visible under its name. Not called when anything failed. */
  finish(top: ImageBytes): Promise<void>;
}

export type BlobOutcome = "existed" | "mounted" | "stored";

export interface PutBlobOptions {
  /** The bytes from an offset on, to be verified by the target. */
  read(offsetBytes: number): AsyncIterable<Uint8Array>;
  readonly repositories: readonly string[];
  readonly onBytes: (currentBytes: number) => void;
  readonly signal?: AbortSignal;
}

export interface TransferOptions {
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}
