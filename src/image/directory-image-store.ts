import type { Progress } from "#base";
import type { ContentStore } from "#content";
import { type Lock, sha256 } from "#host";
import {
  chainId,
  type Descriptor,
  type Digest,
  digestOf,
  formatReference,
  type Platform,
  parseDigest,
  type Reference,
  shortId,
} from "#oci";
import type { ActiveSnapshot, SnapshotName } from "#snapshot";
import { commitChanged } from "./changed-layer.ts";
import { checkImages } from "./check.ts";
import { collectLockPath, collectStore } from "./collect.ts";
import { commitLayer, type LayerParts } from "./commit-layer.ts";
import { checkLevel, formLayer } from "./compress-layer.ts";
import { commitDeferred } from "./deferred-layer.ts";
import { ImageIndex, type IndexEntry, tagAnnotations, withoutName } from "./image-index.ts";
import { ImageReader, rowTarget } from "./image-reader.ts";
import type {
  AddOptions,
  ArchiveItem,
  Collected,
  Fault,
  FindOptions,
  Image,
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
import type { ImageStoreOptions } from "./open-image-store.ts";
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
  readonly #reader: ImageReader;
  readonly #parts: LayerParts;

  constructor(options: ImageStoreOptions) {
    this.#options = options;
    this.#content = options.content;
    this.#index = new ImageIndex(options.root, options.host);
    this.#index.ensure();
    this.#parts = { ...options, records: new Records(options.root) };
    this.#reader = new ImageReader({ ...this.#parts, index: this.#index });
  }

  find(text: string, options?: FindOptions): Image | undefined {
    return this.#reader.find(text, options);
  }

  get(text: string, options?: FindOptions): Image {
    return this.#reader.get(text, options);
  }

  list(): readonly Image[] {
    return this.#reader.list();
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
    return this.#reader.reread(image.target);
  }

  add(
    target: Descriptor,
    options: Pick<CreateOptions, "origin"> & { readonly names: readonly Reference[] },
  ): Image {
    // Read first: what is no image never gets a name.
    this.#reader.read(target);
    const { annotations: _, ...named } = target;
    return this.#add({ target: named }, options);
  }

  tag(image: Image, name: Reference): Image {
    const target = rowTarget(image);
    return this.#add({ target }, { names: [name], ...(image.origin && { origin: image.origin }) });
  }

  remove(text: string, options: { readonly force?: boolean } = {}): Removal {
    const broken = this.#reader.match(text).length === 0 ? this.#reader.findBroken(text) : undefined;
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
    // Every start of a container asks, and node:crypto would be the largest thing it loads.
    const top = chainId(image.config.rootfs.diff_ids, (text) => parseDigest(`sha256:${sha256(text)}`));
    const found = top === undefined ? undefined : this.#parts.snapshots.find(top);
    if (found !== undefined) {
      const report = options?.onProgress;
      await this.#parts.snapshots.complete(found, {
        signal: options?.signal,
        onProgress: report && (({ layer, bytes }) => report(laidOut(layer, bytes))),
      });
      return found;
    }
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

  commitChanged(
    earlier: SnapshotName,
    change: Parameters<ImageStore["commitChanged"]>[1],
  ): ReturnType<ImageStore["commitChanged"]> {
    return commitChanged(this.#parts, earlier, change);
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
    return archiveTargets(this.#parts, items, { format: options.format, annotate: tagAnnotations });
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
    return loaded.map(({ image, names }) => ({
      ...this.#add(image, { names, origin: { kind: "loaded" } }),
      names: names.map(formatReference),
    }));
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

function laidOut(
  { digest, size }: { readonly digest: Digest; readonly size: number },
  current: number,
): Progress {
  const label = `lay out ${shortId(digest)}`;
  return { id: label, label, current, total: size, unit: "bytes", ...(current === size && { done: true }) };
}

/** The identity of each stack of its layers, lowest first. */
function chainsOf(image: Image): readonly Digest[] {
  let chain: Digest | undefined;
  return image.config.rootfs.diff_ids.map((diffId) => {
    chain = chain === undefined ? diffId : digestOf(`${chain} ${diffId}`);
    return chain;
  });
}
