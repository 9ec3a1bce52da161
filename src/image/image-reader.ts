import { isLighterError, LighterError } from "#base";
import type { ContentStore } from "#content";
import {
  type Descriptor,
  formatPlatform,
  type ImageConfig,
  type Manifest,
  samePlatform,
  shortId,
} from "#oci";
import { isIndex, readConfig, readManifest } from "./documents.ts";
import type { ImageIndex, IndexEntry } from "./image-index.ts";
import type { FindOptions, Image, ImageLayer } from "./image-store.ts";
import { isName, matchImages } from "./lookup.ts";
import { findManifest } from "./platform-choice.ts";
import type { Records } from "./records.ts";

interface ReaderParts {
  readonly content: ContentStore;
  readonly index: ImageIndex;
  readonly records: Records;
}

/** Reads images: what the rows of the index lead to. `find`, `get` and `list` as `ImageStore` has them. */
export class ImageReader {
  readonly #parts: ReaderParts;

  constructor(parts: ReaderParts) {
    this.#parts = parts;
  }

  find(text: string, options: FindOptions = {}): Image | undefined {
    const matches = this.match(text);
    const [image] = matches;
    return image === undefined || matches.length > 1 ? undefined : this.#onPlatform(image, options);
  }

  #onPlatform(image: Image, { platform }: FindOptions): Image | undefined {
    if (platform === undefined || samePlatform(image.config, platform)) return image;
    if (image.index === undefined) return undefined;
    const target = findManifest(this.#parts.content, image.index, platform);
    return target === undefined ? undefined : this.read(image.index, this.#rowsOf(image.index), target);
  }

  #rowsOf({ digest }: Descriptor): readonly IndexEntry[] {
    return this.#parts.index.read().filter((row) => row.target.digest === digest);
  }

  /** The images that a text may mean. A name is looked up in the index alone; only ids need every image. */
  match(text: string): readonly Image[] {
    const rows = this.#parts.index.read();
    const named = rows.find((row) => row.name !== undefined && isName(row.name, text));
    if (named === undefined) return matchImages(this.list(), text);
    return this.#readable(rows.filter((row) => row.target.digest === named.target.digest));
  }

  get(text: string, options: FindOptions = {}): Image {
    const [first, ...others] = this.match(text);
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
    const broken = this.findBroken(text);
    if (broken !== undefined) {
      try {
        this.read(broken.target);
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
    const rows = this.#parts.index.read();
    const digests = [...new Set(rows.map((row) => row.target.digest))];
    return digests.flatMap((digest) => this.#readable(rows.filter((row) => row.target.digest === digest)));
  }

  #readable(rows: readonly IndexEntry[]): readonly Image[] {
    const [first] = rows;
    if (first === undefined) return [];
    try {
      return [this.read(first.target, rows)];
    } catch (error) {
      if (isLighterError(error, "BLOB_NOT_FOUND", "DIGEST_MISMATCH", "IMAGE_INVALID", "SIZE_MISMATCH"))
        return [];
      throw error;
    }
  }

  /** The image that rows of the index lead to, on `chosen`'s platform. @throws BLOB_NOT_FOUND, DIGEST_MISMATCH, IMAGE_INVALID, SIZE_MISMATCH */
  read(named: Descriptor, rows: readonly IndexEntry[] = [], chosen?: Descriptor): Image {
    const target = chosen ?? findManifest(this.#parts.content, named);
    if (target === undefined)
      throw new LighterError("IMAGE_INVALID", `cannot use image "${named.digest}": its index names no image`);
    const manifest = readManifest(this.#parts.content, target.digest);
    const config = readConfig(this.#parts.content, manifest.config.digest);
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

  /** {@link ImageReader.read} with the names that it has now. */
  reread(target: Descriptor): Image {
    return this.read(target, this.#rowsOf(target));
  }

  /** A row whose image cannot be read, by its name or manifest digest. */
  findBroken(text: string): IndexEntry | undefined {
    return this.#parts.index
      .read()
      .find((row) => (row.name !== undefined && isName(row.name, text)) || row.target.digest === text);
  }
}

/** What the rows of an image lead to. */
export function rowTarget(image: Image): Descriptor {
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
