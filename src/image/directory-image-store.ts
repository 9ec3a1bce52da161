import { isLighterError, LighterError } from "#base";
import type { ContentStore } from "#content";
import type { Lock } from "#host";
import {
  chainId,
  type Descriptor,
  type Digest,
  digestOf,
  formatPlatform,
  formatReference,
  type ImageConfig,
  type Manifest,
  type Platform,
  type Reference,
  samePlatform,
  shortId,
} from "#oci";
import type { ActiveSnapshot, SnapshotName } from "#snapshot";
import { checkImages } from "./check.ts";
import { collectLockPath, collectStore } from "./collect.ts";
import { commitLayer, type LayerParts } from "./commit-layer.ts";
import { checkLevel, formLayer } from "./compress-layer.ts";
import { commitDeferred } from "./deferred-layer.ts";
import { isIndex, readConfig, readManifest } from "./documents.ts";
import { ImageIndex, type IndexEntry, withoutName } from "./image-index.ts";
import type {
  AddOptions,
  ArchiveItem,
  Collected,
  Fault,
  FindOptions,
  Image,
  ImageLayer,
  ImageStore,
  LayerBlob,
  LayerForm,
  LoadOptions,
  Removal,
  SaveItem,
  SaveOptions,
  SendOptions,
} from "./image-store.ts";
import { type ImagePlatform, listPlatforms } from "./list-platforms.ts";
import { isName, matchImages } from "./lookup.ts";
import type { ImageStoreOptions } from "./open-image-store.ts";
import { findManifest } from "./platform-choice.ts";
import { Records } from "./records.ts";
import { planRemoval } from "./remove.ts";
import { archiveTargets, saveArchive } from "./save.ts";
import { type NewImage, storeDocuments } from "./store-documents.ts";
import type { Copied } from "./transfer/copy.ts";
import type { ImageSource, ImageTarget } from "./transfer/endpoints.ts";
import type { ReceiveOptions } from "./transfer/receive.ts";
import { changeIndex, storeIndex } from "./transfer/store-index.ts";
import { type StoreSourceOptions, storeSource } from "./transfer/store-source.ts";
import type { Unpackable } from "./unpack.ts";

type CreateOptions = Parameters<ImageStore["create"]>[0];
type UnpackOptions = Parameters<ImageStore["unpack"]>[1];

/** Images as rows of the root's index.json. */
export class DirectoryImageStore implements ImageStore {
  readonly #options: ImageStoreOptions;
  readonly #content: ContentStore;
  readonly #index: ImageIndex;
  readonly #parts: LayerParts;

  constructor(options: ImageStoreOptions) {
    this.#options = options;
    this.#content = options.content;
    this.#index = new ImageIndex(options.root, options.host);
    this.#index.ensure();
    this.#parts = { ...options, records: new Records(options.root) };
  }

  find(text: string, options: FindOptions = {}): Image | undefined {
    const matches = this.#match(text);
    const [image] = matches;
    return image === undefined || matches.length > 1 ? undefined : this.#onPlatform(image, options);
  }

  #onPlatform(image: Image, { platform }: FindOptions): Image | undefined {
    if (platform === undefined || samePlatform(image.config, platform)) return image;
    if (image.index === undefined) return undefined;
    const target = findManifest(this.#content, image.index, platform);
    return target === undefined ? undefined : this.#image(image.index, this.#rowsOf(image), target);
  }

  #rowsOf(image: Image): readonly IndexEntry[] {
    const { digest } = rowTarget(image);
    return this.#index.read().filter((row) => row.target.digest === digest);
  }

  /** A name is looked up in the index alone; only ids need every image. */
  #match(text: string): readonly Image[] {
    const rows = this.#index.read();
    const named = rows.find((row) => row.name !== undefined && isName(row.name, text));
    if (named === undefined) return matchImages(this.list(), text);
    return this.#readable(rows.filter((row) => row.target.digest === named.target.digest));
  }

  get(text: string, options: FindOptions = {}): Image {
    const [first, ...others] = this.#match(text);
    if (first === undefined) throw this.#notFound(text);
    if (others.length === 0) {
      const image = this.#onPlatform(first, options);
      if (image !== undefined) return image;
      throw new LighterError(
        "PLATFORM_NOT_FOUND",
        `cannot use image "${text}": it is not for ${formatPlatform(options.platform ?? first.config)}; the store has it for ${formatPlatform(first.config)}`,
      );
    }
    const ids = [first, ...others].map((image) => shortId(image.id)).join(", ");
    throw new LighterError(
      "IMAGE_AMBIGUOUS",
      `cannot find image "${text}": it begins the ids of several (${ids}); give more of the id`,
    );
  }

  /** When the name stands but its image cannot be read, that is the news. */
  #notFound(text: string): unknown {
    const broken = this.#findBroken(text);
    if (broken !== undefined) {
      try {
        this.#image(broken.target, []);
      } catch (error) {
        return error;
      }
    }
    return new LighterError(
      "IMAGE_NOT_FOUND",
      `cannot find image "${text}": no image of the store has this name or id; see lighter images`,
    );
  }

  /** Images that cannot be read are left out here, and named by `check` and `get`. */
  list(): readonly Image[] {
    const rows = this.#index.read();
    const digests = [...new Set(rows.map((row) => row.target.digest))];
    return digests.flatMap((digest) => this.#readable(rows.filter((row) => row.target.digest === digest)));
  }

  #readable(rows: readonly IndexEntry[]): readonly Image[] {
    const [first] = rows;
    if (first === undefined) return [];
    try {
      return [this.#image(first.target, rows)];
    } catch (error) {
      if (isLighterError(error, "BLOB_NOT_FOUND", "DIGEST_MISMATCH", "IMAGE_INVALID", "SIZE_MISMATCH"))
        return [];
      throw error;
    }
  }

  #image(named: Descriptor, rows: readonly IndexEntry[], chosen?: Descriptor): Image {
    const target = chosen ?? findManifest(this.#content, named);
    if (target === undefined)
      throw new LighterError("IMAGE_INVALID", `cannot use image "${named.digest}": its index names no image`);
    const manifest = readManifest(this.#content, target.digest);
    const config = readConfig(this.#content, manifest.config.digest);
    const layers = layersOf(manifest, config, (layer) => this.#sizeOf(layer));
    const origin = rows.find((row) => row.origin !== undefined)?.origin;
    return {
      target,
      ...(isIndex(named) && { index: named }),
      id: manifest.config.digest,
      manifest,
      config,
      names: rows.flatMap((row) => (row.name === undefined ? [] : [row.name])),
      layers,
      sizeBytes: layers.reduce((sum, layer) => sum + layer.sizeBytes, 0),
      ...(origin !== undefined && { origin }),
    };
  }

  /** Of a layer that was never looked into only the length of its blob is known. */
  #sizeOf(layer: Descriptor): number {
    return this.#parts.records.findFileBytes(layer.digest) ?? layer.size;
  }

  create(options: CreateOptions): Image {
    const documents = storeDocuments(this.#content, options);
    return this.#add(documents, options);
  }

  #add(image: NewImage, options: Pick<CreateOptions, "names" | "origin">): Image {
    const names = (options.names ?? []).map(formatReference);
    const { origin } = options;
    this.#index.update((entries) => {
      const old = entries.filter((entry) => entry.target.digest === image.target.digest);
      const rest = names.reduce(
        withoutName,
        entries.filter((entry) => entry.target.digest !== image.target.digest),
      );
      const all = [...new Set([...old.flatMap((entry) => entry.name ?? []), ...names])];
      const named = all.length === 0 ? [undefined] : all;
      const rows = named.map((name) => ({ target: image.target, name, origin: origin ?? old[0]?.origin }));
      // It stands so already: a rebuild in which nothing changed writes nothing.
      return JSON.stringify(rows) === JSON.stringify(old) ? entries : [...rest, ...rows];
    });
    return this.#reread(image.target);
  }

  add(
    target: Descriptor,
    options: Pick<CreateOptions, "origin"> & { readonly names: readonly Reference[] },
  ): Image {
    // Read first: what is no image never gets a name.
    this.#image(target, []);
    const { annotations: _, ...named } = target;
    return this.#add({ target: named }, options);
  }

  #reread(target: Descriptor): Image {
    return this.#image(
      target,
      this.#index.read().filter((row) => row.target.digest === target.digest),
    );
  }

  tag(image: Image, name: Reference): Image {
    const target = rowTarget(image);
    return this.#add({ target }, { names: [name], ...(image.origin && { origin: image.origin }) });
  }

  remove(text: string, options: { readonly force?: boolean } = {}): Removal {
    const broken = this.#match(text).length === 0 ? this.#findBroken(text) : undefined;
    if (broken !== undefined) return this.#removeBroken(broken);
    const image = this.get(text);
    const plan = planRemoval(image, text, options.force ?? false);
    this.#index.update((entries) =>
      plan.isDeleted
        ? entries.filter((entry) => entry.target.digest !== rowTarget(image).digest)
        : entries.filter((entry) => entry.name === undefined || !plan.untagged.includes(entry.name)),
    );
    if (!plan.isDeleted) return { untagged: plan.untagged, deleted: [] };
    const deleted = this.#noLongerUsed(image);
    const freed = this.collect()?.freedBytes;
    return { untagged: plan.untagged, deleted, ...(freed !== undefined && { freedBytes: freed }) };
  }

  /** A row whose image cannot be read, by its name or manifest digest. */
  #findBroken(text: string): IndexEntry | undefined {
    return this.#index
      .read()
      .find((row) => (row.name !== undefined && isName(row.name, text)) || row.target.digest === text);
  }

  #removeBroken(row: IndexEntry): Removal {
    this.#index.update((entries) =>
      entries.filter((entry) => entry.target.digest !== row.target.digest || entry.name !== row.name),
    );
    this.collect();
    return { untagged: row.name === undefined ? [] : [row.name], deleted: [row.target.digest] };
  }

  /** The image's id and the stacks of layers (chainIDs) that no other image stands on, top first: what docker prints. */
  #noLongerUsed(image: Image): readonly Digest[] {
    const others = this.list();
    const used = new Set(others.flatMap(chainsOf));
    const ids = others.some((other) => other.id === image.id) ? [] : [image.id];
    return [
      ...ids,
      ...chainsOf(image)
        .filter((chain) => !used.has(chain))
        .reverse(),
    ];
  }

  async unpackLayers(
    layers: readonly LayerBlob[],
    options?: UnpackOptions,
  ): Promise<SnapshotName | undefined> {
    const rootfs = { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) } as const;
    const descriptors = layers.map(({ descriptor }) => descriptor);
    return await this.unpack({ manifest: { layers: descriptors }, config: { rootfs } }, options);
  }

  async unpack(image: Unpackable, options?: UnpackOptions): Promise<SnapshotName | undefined> {
    const top = chainId(image.config.rootfs.diff_ids);
    const found = top === undefined ? undefined : this.#parts.snapshots.find(top);
    if (found !== undefined) return found;
    // What few commands need is loaded when it is needed, here and below.
    const { unpackImage } = await import("./unpack.ts");
    using _held = await this.#hold(options?.signal);
    return unpackImage(this.#parts, image, options);
  }

  /** Keeps collectors away from what is stored but not yet named. */
  #hold(signal?: AbortSignal): Promise<Lock> {
    return this.#parts.host.locks.acquire(collectLockPath(this.#options.root), "shared", signal);
  }

  commitDeferred(
    active: ActiveSnapshot,
    options: Parameters<ImageStore["commitDeferred"]>[1],
  ): ReturnType<ImageStore["commitDeferred"]> {
    return commitDeferred(this.#parts, active, options);
  }

  commitLayer(
    snapshot: SnapshotName,
    options?: Parameters<ImageStore["commitLayer"]>[1],
  ): Promise<LayerBlob> {
    return commitLayer(this.#parts, snapshot, options);
  }

  formLayer(layer: Descriptor, form: LayerForm): Promise<Descriptor> {
    checkLevel(form);
    return formLayer(this.#parts, layer, form);
  }

  archive(
    items: readonly ArchiveItem[],
    options: { readonly format: SaveOptions["format"] },
  ): AsyncIterable<Uint8Array> {
    return archiveTargets(this.#parts, items, options.format);
  }

  async receive(source: ImageSource, options: ReceiveOptions & AddOptions): Promise<Image> {
    using _held = await this.#hold(options.signal);
    const { receiveImage } = await import("./transfer/receive.ts");
    const target = await receiveImage(this.#parts, source, options);
    const { names, origin, platforms } = options;
    const added = this.add(target, { names, ...(origin && { origin }) });
    const [platform] = platforms === "all" ? [] : platforms;
    return platform === undefined ? added : (this.#imageFor(added, platform) ?? added);
  }

  #imageFor(image: Image, platform: Platform): Image | undefined {
    const [name] = image.names;
    return this.find(name ?? image.id, { platform });
  }

  async send(image: Image, target: ImageTarget, options: SendOptions): Promise<Copied> {
    using _held = await this.#hold(options.signal);
    const { sendImage } = await import("./transfer/send.ts");
    return await sendImage(this.#parts, image, { target, options });
  }

  async createIndex(
    images: readonly Image[],
    { form, ...options }: AddOptions & { readonly form: LayerForm },
  ): Promise<Image> {
    using _held = await this.#hold();
    return this.add(await storeIndex(this.#parts, images, form), options);
  }

  changeIndex(
    image: Image,
    name: Reference,
    change: (rows: readonly Descriptor[]) => readonly Descriptor[],
  ): Image {
    return this.add(changeIndex(this.#content, image, change), { names: [name] });
  }

  source(image: Image, options: StoreSourceOptions): ImageSource {
    return storeSource(this.#parts, image, options);
  }

  save(images: readonly SaveItem[], options: SaveOptions): AsyncIterable<Uint8Array> {
    return saveArchive(this.#parts, images, options);
  }

  async import(
    archive: AsyncIterable<Uint8Array>,
    { config, signal, ...options }: Parameters<ImageStore["import"]>[1],
  ): Promise<Image> {
    using _held = await this.#hold(signal);
    const { importTree } = await import("./import-tree.ts");
    return this.create({ ...options, config, layers: [await importTree(this.#parts, archive, signal)] });
  }

  platforms(image: Image): readonly ImagePlatform[] {
    return listPlatforms(this.#content, image);
  }

  async load(archive: AsyncIterable<Uint8Array>, options: LoadOptions = {}): Promise<readonly Image[]> {
    using _held = await this.#hold(options.signal);
    const { loadArchive } = await import("./load.ts");
    const loaded = await loadArchive(this.#parts, archive, options);
    return loaded.map(({ image, names }) => this.#add(image, { names, origin: { kind: "loaded" } }));
  }

  check(): Promise<readonly Fault[]> {
    return checkImages(this.#parts, this.#index.read());
  }

  collect(): Collected | undefined {
    return collectStore({ ...this.#parts, root: this.#options.root, roots: this.#options.roots }, () =>
      this.#index.read(),
    );
  }
}

/** What the rows of an image lead to. */
function rowTarget(image: Image): Descriptor {
  return image.index ?? image.target;
}

function layersOf(
  manifest: Manifest,
  config: ImageConfig,
  sizeOf: (layer: Descriptor) => number,
): readonly ImageLayer[] {
  const diffIds = config.rootfs.diff_ids;
  if (diffIds.length !== manifest.layers.length) return [];
  return manifest.layers.flatMap((descriptor, place) => {
    const diffId = diffIds[place];
    return diffId === undefined ? [] : [{ descriptor, diffId, sizeBytes: sizeOf(descriptor) }];
  });
}

/** The identity of each stack of its layers, lowest first. */
function chainsOf(image: Image): readonly Digest[] {
  let chain: Digest | undefined;
  return image.config.rootfs.diff_ids.map((diffId) => {
    chain = chain === undefined ? diffId : digestOf(`${chain} ${diffId}`);
    return chain;
  });
}
