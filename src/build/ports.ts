import type { OnProgress } from "#base";
import type { LayerBlob } from "#image";
import type { Digest, ImageConfig, Platform, Reference } from "#oci";
import type { RegistryClient } from "#registry";
import type { SnapshotName } from "#snapshot";

/**
 * Opens what speaks with registries. `insecure` names those (`host`, `host:port`) that are asked without verified TLS
 * besides the ones that the configuration names.
 */
export type OpenRegistries = (insecure?: readonly string[]) => Promise<RegistryClient>;

/** The port by which a build gets the image that a FROM names. The engine implements it (store, then recipes). */
export interface BaseSource {
  /**
   * Finds the image without unpacking it.
   * @returns undefined when no source has it; the build then fails with BASE_NOT_FOUND and the words of {@link BaseSource.describeSources}
   */
  resolve(
    reference: Reference,
    options: { readonly platform: Platform; readonly onProgress: OnProgress; readonly signal?: AbortSignal },
  ): Promise<Base | undefined>;
  /** The image when it is at hand; gets nothing and makes nothing. */
  find(reference: Reference, platform: Platform): Promise<Base | undefined>;
  /** What was tried, for the error text: `the store, recipes (debian, golang)`. */
  describeSources(): string;
}

/** A base image, ready to be built on. */
export interface Base {
  /** Digest of the manifest: part of cache keys. */
  readonly digest: Digest;
  readonly config: ImageConfig;
  readonly layers: readonly LayerBlob[];
  /**
   * How it came to be, for the build output and the provenance: `assembled from Debian bookworm (recipe golang)`. Empty when
   * nobody knows.
   */
  readonly origin: string;
  /** The store had it. */
  readonly isStored?: boolean;
  /** The snapshot with the tree, unpacked when first asked for. */
  snapshot(signal?: AbortSignal): Promise<SnapshotName | undefined>;
}
