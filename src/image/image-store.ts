import type { OnProgress } from "#base";
import type { Descriptor, Digest, ImageConfig, Manifest, Platform, Reference } from "#oci";
import type { ActiveSnapshot, SnapshotName } from "#snapshot";
import type { ImagePlatform } from "./list-platforms.ts";
import type { Copied, CopyOptions } from "./transfer/copy.ts";
import type { ImageSource, ImageTarget } from "./transfer/endpoints.ts";
import type { ReceiveOptions } from "./transfer/receive.ts";
import type { StoreSourceOptions } from "./transfer/store-source.ts";

/** An image in the store: a manifest with its config, both verified. */
export interface Image {
  /** Descriptor of the manifest. */
  readonly target: Descriptor;
  /** The index that its names lead to, when they lead to one: `target` is then the manifest chosen from it. */
  readonly index?: Descriptor;
  /** Digest of the config: docker's IMAGE ID. */
  readonly id: Digest;
  readonly manifest: Manifest;
  readonly config: ImageConfig;
  /** Full names (`docker.io/library/calculator:latest`) under which it stands; empty for a dangling image. */
  readonly names: readonly string[];
  /** Its layers, lowest first; empty when manifest and config disagree on their number. */
  readonly layers: readonly ImageLayer[];
  /** Sum of its layers' sizes, in bytes: docker's SIZE. */
  readonly sizeBytes: number;
  /** Where it came from, for `image inspect` and the build output. */
  readonly origin?: Origin;
}

/** How an image got into the store. */
export type Origin =
  | { readonly kind: "built" }
  | { readonly kind: "loaded" }
  | { readonly kind: "pulled"; readonly from: string }
  | { readonly kind: "recipe"; readonly recipe: string; readonly description: string };

/** One layer to be put into an image: a blob in the content store and the digest of its uncompressed tar. */
export interface LayerBlob {
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
}

/** A layer of a stored image. */
export interface ImageLayer extends LayerBlob {
  /** Sum of the lengths of its files, as docker counts; of a layer that was never unpacked the length of its blob. */
  readonly sizeBytes: number;
}

/** Which times the entries of a layer get while it is made. */
export interface LayerTimes {
  /** Two with one key write the same times: the layer is remembered under it. */
  readonly key: string;
  /** The time in whole seconds for a modification time in milliseconds. */
  of(mtimeMs: number): number;
}

/** A regular file that a layer is to have, and where its bytes are to be read. */
export interface DeferredFile {
  /** In the tree, without a leading slash. */
  readonly path: string;
  readonly source: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  /** Its modification time. */
  readonly seconds: number;
  /** Of the source, when it was chosen. */
  readonly ctimeMs: number;
  /** The path of the file that this is another name of. */
  readonly link?: string;
}

/** A snapshot of which files lie in its layer only. */
export interface DeferredCommit {
  readonly snapshot: SnapshotName;
  /** Files that changed while they were read. */
  readonly changed: readonly string[];
}

/** A tree that differs from the one of an earlier snapshot in a few of its deferred files. */
export interface ChangedTree {
  /** What the snapshot is to be called. */
  readonly name: string;
  /** Files with another content, mode or time. They keep their owners. */
  readonly files: readonly Omit<DeferredFile, "uid" | "gid" | "link">[];
  /** Directories with another time, in milliseconds. */
  readonly directories: ReadonlyMap<string, number>;
  readonly times: LayerTimes;
  readonly signal?: AbortSignal | undefined;
}

/** Name to image. Every change is atomic; any number of processes may use one store. */
export interface ImageStore {
  /**
   * By full or familiar name, image ID, or a unique prefix of one. Of an index the manifest for `platform`, or without it
   * the one for this machine, else the first; an image of another platform than the one asked for is not found.
   */
  find(text: string, options?: FindOptions): Image | undefined;
  /** @throws IMAGE_NOT_FOUND, IMAGE_AMBIGUOUS, PLATFORM_NOT_FOUND */
  get(text: string, options?: FindOptions): Image;
  list(): readonly Image[];
  /**
   * Stores config and manifest and gives them names (taken from the images that had them). `config.rootfs` is derived from
   * `layers` by the store.
   */
  create(options: {
    readonly config: ImageConfig;
    readonly layers: readonly LayerBlob[];
    readonly names?: readonly Reference[];
    readonly origin?: Origin;
    readonly annotations?: Readonly<Record<string, string>>;
  }): Image;
  /** Gives names to a manifest or an index in the content store. @throws IMAGE_INVALID, BLOB_NOT_FOUND */
  add(target: Descriptor, options: { readonly names: readonly Reference[]; readonly origin?: Origin }): Image;
  tag(image: Image, name: Reference): Image;
  /** Removes one name; when it was the last, the image and what only it used go too. */
  remove(text: string, options?: { readonly force?: boolean }): Removal;
  /**
   * The snapshot that holds the image's tree, unpacking the layers that are missing. Idempotent and single-flight between
   * processes. undefined for an image with no layers.
   * @throws DIGEST_MISMATCH when a layer does not unpack to its diffID
   */
  unpack(
    image: Image,
    options?: { readonly onProgress?: OnProgress; readonly signal?: AbortSignal },
  ): Promise<SnapshotName | undefined>;
  /** {@link ImageStore.unpack} for layers that no image has, lowest first. */
  unpackLayers(
    layers: readonly LayerBlob[],
    options?: { readonly onProgress?: OnProgress; readonly signal?: AbortSignal },
  ): Promise<SnapshotName | undefined>;
  /**
   * The layer that `snapshot` adds to its parent, as an uncompressed tar blob; deterministic. Remembered, so a second call
   * costs nothing. Without `times` they are written as they stand in the snapshot.
   */
  commitLayer(
    snapshot: SnapshotName,
    options?: { readonly times?: LayerTimes; readonly signal?: AbortSignal | undefined },
  ): Promise<LayerBlob>;
  /**
   * Ends an active snapshot of which `files` are written into its layer and not into its tree: they are laid out when
   * somebody asks for the tree. The layer has the same bytes as that of the whole tree.
   */
  commitDeferred(
    active: ActiveSnapshot,
    options: {
      readonly name: string;
      readonly files: readonly DeferredFile[];
      readonly times: LayerTimes;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<DeferredCommit>;
  /**
   * What {@link ImageStore.commitDeferred} gives for a tree that was committed so before and has changed a little: what did not
   * change is taken out of the earlier layer, which is verified on the way.
   * @returns undefined where that cannot be done or would be slower: then the tree has to be made
   */
  commitChanged(earlier: SnapshotName, change: ChangedTree): Promise<DeferredCommit | undefined>;
  /**
   * A layer in another form, as a blob of the store. Compressed once and remembered; the same bytes each time. One that is
   * compressed already stays as it is, unless forced.
   * @throws COMPRESSION_UNSUPPORTED
   */
  formLayer(layer: Descriptor, form: LayerForm): Promise<Descriptor>;
  /** Writes manifests and indexes of the content store, and all they lead to, as an archive. */
  archive(
    items: readonly ArchiveItem[],
    options: { readonly format: SaveOptions["format"] },
  ): AsyncIterable<Uint8Array>;
  /**
   * Brings an image from anywhere and gives it names: blobs are verified while they come, unfinished ones are gone on
   * with, and its tree for the first platform is laid out meanwhile.
   * @throws PLATFORM_NOT_FOUND, DIGEST_MISMATCH, SIZE_MISMATCH, IMAGE_INVALID, CANCELLED and what the source throws
   */
  receive(source: ImageSource, options: ReceiveOptions & AddOptions): Promise<Image>;
  /** Copies an image of the store to a place. Layers are compressed there where `form` asks for it, once. */
  send(image: Image, target: ImageTarget, options: SendOptions): Promise<Copied>;
  /** An image of the store as a source for a copy. */
  source(image: Image, options: StoreSourceOptions): ImageSource;
  /**
   * An index of images, one for each platform, under names. Layers that are stored uncompressed are brought into `form`.
   * @throws ARGUMENT_INVALID when two are for the same platform
   */
  createIndex(images: readonly Image[], options: AddOptions & { readonly form: LayerForm }): Promise<Image>;
  /** Gives a name to an index with other rows than the image's own. @throws ARGUMENT_INVALID when it has no index */
  changeIndex(
    image: Image,
    name: Reference,
    change: (rows: readonly Descriptor[]) => readonly Descriptor[],
  ): Image;
  /** Writes images as an archive (`oci` or `docker` form) in tar chunks, in order; layers as they are stored. */
  save(images: readonly SaveItem[], options: SaveOptions): AsyncIterable<Uint8Array>;
  /** Makes an image of one layer from a tar archive of its tree, plain or compressed. @throws ARCHIVE_INVALID, STORE_FULL */
  import(
    archive: AsyncIterable<Uint8Array>,
    options: AddOptions & { readonly config: ImageConfig; readonly signal?: AbortSignal },
  ): Promise<Image>;
  /** The platforms that an image's name leads to, in the order of its index. */
  platforms(image: Image): readonly ImagePlatform[];
  /** Reads an archive of either form. Every blob is verified. The images come with the names that the archive gives them. */
  load(archive: AsyncIterable<Uint8Array>, options?: LoadOptions): Promise<readonly Image[]>;
  /** Every fault found in the images: blobs missing or damaged, layers that do not match. Reads every byte of every image. */
  check(): Promise<readonly Fault[]>;
  /**
   * Removes blobs, snapshots and records that neither an image nor one of the roots uses.
   * @returns undefined when another operation holds the store (`<root>/gc.lock`, shared): nothing was removed then
   */
  collect(): Collected | undefined;
}

/** How an image is sent. */
export type SendOptions = StoreSourceOptions & Omit<CopyOptions, "platform">;

/** The names that an image gets, and how it came. */
export interface AddOptions {
  readonly names: readonly Reference[];
  readonly origin?: Origin;
}

export interface FindOptions {
  readonly platform?: Platform;
}

/** How the bytes of a layer are written down. */
export interface LayerForm {
  readonly compression: "uncompressed" | "gzip" | "zstd";
  /** gzip: 0 to 9, by default what is about as small as zlib makes with 6; zstd: 1 to 22, 3 by default. */
  readonly level?: number;
  /** Brings layers that came compressed into this form, too. */
  readonly force?: boolean;
}

/** A manifest or an index for an archive, and its names there. */
export interface ArchiveItem {
  readonly target: Descriptor;
  readonly names: readonly Reference[];
}

/** What must stay although no image names it: build cache records, containers. */
export interface Roots {
  readonly blobs: Iterable<Digest>;
  readonly snapshots: Iterable<string>;
}

/** What `collect` removed. */
export interface Collected {
  readonly freedBytes: number;
  /** Names of snapshots. */
  readonly snapshots: number;
}

/** A fault of a stored image, in words. */
export interface Fault {
  /** Its names, or its manifest's digest when it has none. */
  readonly image: string;
  readonly message: string;
}

/** An image to be saved, and the only name it gets in the archive (none: it has no name there). */
export interface SaveItem {
  readonly image: Image;
  readonly name?: Reference;
}

export interface SaveOptions {
  readonly format: "oci" | "docker";
  /**
   * `stored` writes layers as they are in the store, so the archive's manifest has the digest that the store shows; `gzip`
   * compresses uncompressed layers, on all processors, the same way each time. @defaultValue `stored`
   */
  readonly compression?: "stored" | "gzip";
}

export interface LoadOptions {
  /** Takes of each image what is for this platform, and nothing else. @throws PLATFORM_NOT_FOUND */
  readonly platform?: Platform;
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

/** What `remove` did, in docker's words: names untagged, digests deleted. */
export interface Removal {
  readonly untagged: readonly string[];
  readonly deleted: readonly Digest[];
  /** Given back by removing what only it used; undefined when that has to wait until the store is idle. */
  readonly freedBytes?: number;
}
