import type { LayerForm } from "#image";
import type { Platform, Reference } from "#oci";

/** What becomes of the result of a build. */
export type BuildOutput = ImageOutput | ArchiveOutput | LocalOutput | TarOutput | CacheOnlyOutput;

/** An image in the store, in a registry, or both. */
export interface ImageOutput {
  readonly kind: "image";
  /** @defaultValue the names of the build */
  readonly names?: readonly Reference[];
  readonly store: boolean;
  readonly push: boolean;
  /** Pushes without a tag. @defaultValue `false` */
  readonly byDigest?: boolean;
  /** Pushes without verified TLS, whatever the configuration says. @defaultValue `false` */
  readonly insecure?: boolean;
  /** Counts for what is pushed: the store keeps layers uncompressed. */
  readonly form: ImageForm;
}

/** An image as an OCI layout or what `docker load` takes. */
export interface ArchiveOutput {
  readonly kind: "archive";
  readonly format: "oci" | "docker";
  readonly dest: Destination;
  readonly names?: readonly Reference[];
  readonly form: ImageForm;
}

/** The files of the result, in a directory. */
export interface LocalOutput {
  readonly kind: "local";
  readonly directory: string;
  /** `delete` removes what the directory held before. */
  readonly mode: "copy" | "delete";
  readonly tree: TreeForm;
}

/** The files of the result, as an archive with owners and modes. */
export interface TarOutput {
  readonly kind: "tar";
  readonly dest: Destination;
  readonly tree: TreeForm;
}

/** Nothing but the results of the steps, kept for later builds. */
export interface CacheOnlyOutput {
  readonly kind: "cacheonly";
}

/** Where an archive goes; `directory`: unpacked there. */
export type Destination =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "directory"; readonly path: string }
  | { readonly kind: "stdout" };

/** How an image is written down for others. */
export interface ImageForm {
  readonly layer: LayerForm;
  readonly mediaTypes: "oci" | "docker";
  readonly annotations: readonly Annotation[];
  /** Attestations as OCI artifacts that point at their image; `false`: in the form of BuildKit before 0.32. */
  readonly ociArtifact: boolean;
}

/** How trees are laid out. */
export interface TreeForm {
  /** A directory a platform. @defaultValue when several platforms are built */
  readonly platformSplit?: boolean;
  /** Before the names of the files of attestations. */
  readonly attestationPrefix: string;
}

/** Words of a publisher in a manifest, an index, or in the descriptors of these. */
export interface Annotation {
  readonly level: "manifest" | "index" | "manifest-descriptor" | "index-descriptor";
  /** @defaultValue all platforms */
  readonly platform?: Platform;
  readonly key: string;
  readonly value: string;
}

/** How images leave the store when nothing else is said. */
export const plainForm: ImageForm = Object.freeze({
  layer: Object.freeze({ compression: "gzip" }),
  mediaTypes: "oci",
  annotations: Object.freeze([]),
  ociArtifact: true,
});

/** An image in the store, named as the build says: what a build makes without `--output`. */
export const storeOutput: ImageOutput = Object.freeze({
  kind: "image",
  store: true,
  push: false,
  form: plainForm,
});
