import type { Contents } from "#analyze";
import { isLighterError, LighterError, type OnProgress } from "#base";
import type { Containers } from "#container";
import type { EventLog } from "#events";
import type { Host } from "#host";
import type { Collected, Fault, Image, ImagePlatform, ImageStore, Removal, SaveOptions } from "#image";
import {
  type Descriptor,
  type Digest,
  familiarReference,
  parsePlatform,
  parseReference,
  shortId,
} from "#oci";
import type { RegistryClient } from "#registry";
import { tellImage, tellTransfer } from "./image-events.ts";
import type { ImportOptions } from "./import-image.ts";
import type {
  CopyOptions,
  CopyResult,
  ManifestDocument,
  PullOptions,
  PullResult,
  PushOptions,
  PushResult,
} from "./options.ts";
import type { Store } from "./store.ts";

/** One instruction of an image's past. */
export interface HistoryLine {
  /** The image this line completes; undefined for all but the newest. */
  readonly id?: Digest;
  /** RFC 3339. */
  readonly created?: string;
  readonly createdBy: string;
  /** Bytes of the uncompressed layer; 0 for an instruction that made none. */
  readonly sizeBytes: number;
  readonly comment?: string;
}

interface ImagesParts {
  readonly host: Host;
  /** Makes ready what tells the collector what is in use. */
  readonly beforeCollect: () => Promise<void>;
  readonly containers: () => Promise<Pick<Containers, "list">>;
  readonly registries: () => Promise<RegistryClient>;
  readonly events: EventLog;
}

/** The images of one store. Names are read as docker reads them; ids may be cut short. */
export class Images {
  readonly #store: Store;
  readonly #parts: ImagesParts;

  constructor(store: Store, parts: ImagesParts) {
    this.#store = store;
    this.#parts = parts;
  }

  /** All images, dangling ones too. */
  list(): readonly Image[] {
    return this.#store.images.list();
  }

  find(text: string): Image | undefined {
    return this.#store.images.find(text);
  }

  /** @throws IMAGE_NOT_FOUND, IMAGE_AMBIGUOUS, PLATFORM_NOT_FOUND */
  get(text: string, { platform }: { readonly platform?: string } = {}): Image {
    return this.#store.images.get(text, platform === undefined ? {} : { platform: parsePlatform(platform) });
  }

  /** The instructions that made an image, newest first. @throws IMAGE_NOT_FOUND */
  history(text: string, options: { readonly platform?: string } = {}): readonly HistoryLine[] {
    const image = this.get(text, options);
    let layer = 0;
    const lines = (image.config.history ?? []).map((entry): HistoryLine => {
      const sizeBytes = entry.empty_layer === true ? 0 : (image.layers[layer++]?.sizeBytes ?? 0);
      return {
        createdBy: entry.created_by ?? "",
        sizeBytes,
        ...(entry.created !== undefined && { created: entry.created }),
        ...(entry.comment !== undefined && { comment: entry.comment }),
      };
    });
    const [newest, ...older] = lines.reverse();
    return newest === undefined ? [] : [{ id: image.id, ...newest }, ...older];
  }

  /** Gives an image one more name, taken from the image that had it. @throws IMAGE_NOT_FOUND, REFERENCE_INVALID */
  tag(source: string, name: string): Image {
    const reference = parseReference(name);
    const image = this.#store.images.tag(this.get(source), reference);
    tellImage(this.#parts.events, "tag", image, familiarReference(reference));
    return image;
  }

  /**
   * Takes a name away; with its last name the image goes, and all that nothing else uses.
   * @throws IMAGE_NOT_FOUND, IMAGE_IN_USE
   */
  async remove(text: string, options: { readonly force?: boolean } = {}): Promise<Removal> {
    await this.#refuseUsed(text, options.force ?? false);
    // Removing collects, and the collector has to know what the build cache uses.
    await this.#parts.beforeCollect();
    return this.#remove(this.find(text), text, options.force ?? false);
  }

  #remove(image: Image | undefined, text: string, force: boolean): Removal {
    const removal = this.#store.images.remove(text, { force });
    if (image !== undefined) {
      for (const _ of removal.untagged) tellImage(this.#parts.events, "untag", image);
      if (removal.deleted.length > 0) tellImage(this.#parts.events, "delete", image);
    }
    return removal;
  }

  /** As docker: force takes the image from containers that have ended, but not from those that run. */
  async #refuseUsed(text: string, isForced: boolean): Promise<void> {
    const image = isForced ? this.find(text) : this.get(text);
    if (image === undefined) return;
    const { isLive } = await import("#container");
    const containers = await this.#parts.containers();
    const user = containers
      .list()
      .find(({ image: used, state }) => used.id === image.id && (!isForced || isLive(state)));
    if (user === undefined || image.names.length > 1) return;
    const help = isForced ? "stop the container first" : "remove the container first or use force";
    throw new LighterError(
      "IMAGE_IN_USE",
      `cannot remove image "${shortId(image.id)}": container "${user.name}" uses it; ${help}`,
      { details: { image: image.id, container: user.id } },
    );
  }

  /**
   * Removes images that nobody needs: those without a name, or with `all` those of no container.
   * @returns what went, image by image, in docker's words
   */
  async prune(
    options: { readonly all?: boolean; readonly accepts?: (image: Image) => boolean } = {},
  ): Promise<readonly Removal[]> {
    const containers = await this.#parts.containers();
    const used = new Set(containers.list().map(({ image }) => image.id));
    await this.#parts.beforeCollect();
    const removals = this.list()
      .filter((image) => image.names.length === 0 || options.all === true)
      .filter((image) => !used.has(image.id) && (options.accepts?.(image) ?? true))
      .map((image) => this.#remove(image, (image.index ?? image.target).digest, true));
    const reclaimed = removals.reduce((all, { freedBytes = 0 }) => all + freedBytes, 0);
    this.#parts.events.append({
      type: "image",
      action: "prune",
      id: "",
      attributes: { reclaimed: String(reclaimed) },
    });
    return removals;
  }

  /** The platforms that an image's name leads to, and what of them is stored. */
  platforms(image: Image): readonly ImagePlatform[] {
    return this.#store.images.platforms(image);
  }

  /**
   * Makes an image of a tar archive of a root filesystem: its bytes, or the address that it is fetched from.
   * @throws ARCHIVE_INVALID, ARGUMENT_INVALID, DOCKERFILE_INVALID
   */
  async import(
    archive: AsyncIterable<Uint8Array> | string,
    options: ImportOptions & { readonly from: string; readonly created: string },
  ): Promise<Image> {
    const { importImage } = await import("./import-image.ts");
    const { signal } = options;
    const bytes =
      typeof archive === "string"
        ? (await this.#parts.registries()).fetchFile(archive, signal === undefined ? {} : { signal })
        : archive;
    const image = await importImage(this.#store.images, bytes, options);
    if (options.name !== undefined)
      tellImage(this.#parts.events, "tag", image, familiarReference(parseReference(options.name)));
    tellImage(this.#parts.events, "import", image);
    return image;
  }

  /** The tags of a repository in its registry. @throws MANIFEST_NOT_FOUND and what pulls throw */
  async tags(
    repository: string,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<readonly string[]> {
    const { listTags } = await import("./transfers.ts");
    return await listTags(await this.#transfer(), repository, options);
  }

  /** Frees what neither an image, nor the build cache, nor a container uses; undefined when the store is busy. */
  async collect(): Promise<Collected | undefined> {
    await this.#parts.beforeCollect();
    return this.#store.images.collect();
  }

  /** Every fault of the stored images, in words; reads every byte. */
  async check(): Promise<readonly Fault[]> {
    return await this.#store.images.check();
  }

  /** An archive of images with these names, in chunks. @throws IMAGE_NOT_FOUND */
  async *save(
    names: readonly string[],
    { platform, ...options }: SaveOptions & { readonly platform?: string },
  ): AsyncIterable<Uint8Array> {
    using _lock = await this.#store.use();
    const items = names.map((text) => {
      const image = this.get(text, platform === undefined ? {} : { platform });
      const name = nameMeant(image, text);
      const { index: _, ...alone } = image;
      return { image: platform === undefined ? image : alone, ...(name !== undefined && { name }) };
    });
    yield* this.#store.images.save(items, options);
    for (const { image } of items) tellImage(this.#parts.events, "save", image);
  }

  /**
   * Reads an archive of either form; every byte is verified. With a platform only images of it are taken, of an index its
   * manifest alone. @throws ARCHIVE_INVALID, DIGEST_MISMATCH, PLATFORM_NOT_FOUND
   */
  async load(
    archive: AsyncIterable<Uint8Array>,
    { platform }: { readonly platform?: string } = {},
  ): Promise<readonly Image[]> {
    using _lock = await this.#store.use();
    const images = await this.#store.images.load(
      archive,
      platform === undefined ? {} : { platform: parsePlatform(platform) },
    );
    for (const image of images) tellImage(this.#parts.events, "load", image);
    return images;
  }

  /**
   * Brings an image from its registry. Interrupted or cancelled, it goes on where it ended when it is asked for again, in
   * this process or another.
   * @throws MANIFEST_NOT_FOUND, PLATFORM_NOT_FOUND, REGISTRY_UNREACHABLE, REGISTRY_DENIED, REGISTRY_FAILED, DIGEST_MISMATCH,
   * SIZE_MISMATCH, STORE_FULL, CANCELLED
   */
  async pull(text: string, options: PullOptions = {}): Promise<PullResult> {
    const { pullImage } = await import("./transfers.ts");
    const result = await pullImage(await this.#transfer(), text, options);
    tellTransfer(this.#parts.events, "pull", result.name);
    return result;
  }

  /**
   * Sends an image to the registry that its name says. Layers that are stored uncompressed are compressed, once for all
   * pushes; what the registry has is not sent.
   * @throws IMAGE_NOT_FOUND, REGISTRY_UNREACHABLE, REGISTRY_DENIED, REGISTRY_FAILED, CANCELLED
   */
  async push(text: string, options: PushOptions = {}): Promise<PushResult> {
    const { pushImage } = await import("./transfers.ts");
    const result = await pushImage(await this.#transfer(), text, options);
    tellTransfer(this.#parts.events, "push", result.name);
    return result;
  }

  /**
   * Copies an image between any two of `docker://NAME`, `store:NAME`, `oci:DIR[:NAME]`, `oci-archive:FILE[:NAME]`,
   * `docker-archive:FILE[:NAME]` and `dir:DIR`; through the store only when it is one of them. Digests stay.
   * @throws ARGUMENT_INVALID, IMAGE_NOT_FOUND, IMAGE_INVALID, DIGEST_MISMATCH and what pulls and pushes throw
   */
  async copy(from: string, to: string, options: CopyOptions = {}): Promise<CopyResult> {
    const { images } = this.#store;
    const { copyBetween } = await import("./copy-images.ts");
    const hold = () => this.#store.use();
    return await copyBetween({ images, hold, client: this.#parts.registries }, { from, to }, options);
  }

  /**
   * The manifest or index that a name leads to in its registry; an index that the registry does not have yet, the store's.
   * @throws MANIFEST_NOT_FOUND and what pulls throw
   */
  async readManifest(
    text: string,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<ManifestDocument> {
    const { readManifest } = await import("./transfers.ts");
    try {
      return await readManifest(await this.#transfer(), text, options);
    } catch (error) {
      const index = this.find(text)?.index;
      if (index === undefined || !isLighterError(error, "MANIFEST_NOT_FOUND")) throw error;
      return { descriptor: index, text: this.#store.content.read(index.digest).toString() };
    }
  }

  /**
   * Makes one name lead to several images, one for each platform. Images that the store does not have are pulled.
   * @throws ARGUMENT_INVALID when two are for the same platform, and what pulls throw
   */
  async createIndex(
    name: string,
    sources: readonly string[],
    options: { readonly onProgress?: OnProgress; readonly signal?: AbortSignal } = {},
  ): Promise<Image> {
    using _lock = await this.#store.use();
    const { createIndex } = await import("./transfers.ts");
    return await createIndex(await this.#transfer(), name, sources, options);
  }

  /**
   * Makes another index of the one that a name leads to: `change` is given its rows. The name leads to the new one then.
   * @throws IMAGE_NOT_FOUND, ARGUMENT_INVALID when the name leads to no index
   */
  changeIndex(name: string, change: (rows: readonly Descriptor[]) => readonly Descriptor[]): Image {
    return this.#store.images.changeIndex(this.get(name), parseReference(name), change);
  }

  async #transfer(): Promise<{ readonly images: ImageStore; readonly client: RegistryClient }> {
    return { images: this.#store.images, client: await this.#parts.registries() };
  }

  /** What lies in the image's tree: files, bytes, shells, package managers. @throws IMAGE_NOT_FOUND, PRIVILEGE_MISSING */
  async contents(text: string): Promise<Contents> {
    using _lock = await this.#store.use();
    const name = await this.#store.images.unpack(this.get(text));
    const { emptyContents, inspectTree } = await import("#analyze");
    if (name === undefined) return emptyContents;
    this.#parts.host.mounts.enterPrivateNamespace();
    const { snapshots } = this.#store;
    // Never committed: a place to mount at, which the next sweep removes when this process dies.
    await using scratch = snapshots.prepare(undefined);
    using _mount = this.#parts.host.mounts.overlay({ target: scratch.work, lower: snapshots.layers(name) });
    return inspectTree(scratch.work);
  }
}

/** The name by which an image was asked for, when it was one: an archive carries that name. */
function nameMeant(image: Image, text: string): ReturnType<typeof parseReference> | undefined {
  const full = image.names.find(
    (name) => name === text || familiarReference(parseReference(name)) === familiar(text),
  );
  return full === undefined ? undefined : parseReference(full);
}

function familiar(text: string): string | undefined {
  try {
    return familiarReference(parseReference(text));
  } catch {
    return undefined;
  }
}
