import { LighterError } from "#base";
import {
  type Descriptor,
  digestOf,
  familiarReference,
  type Manifest,
  mediaTypes,
  parseReference,
} from "#oci";
import type { LayerParts } from "../commit-layer.ts";
import { findCompressed, gzipLayer } from "../compress-layer.ts";
import type { Image } from "../image-store.ts";
import { isUncompressed } from "../unpack.ts";
import { type ImageBytes, parseDocument } from "./document.ts";
import type { ImageSource } from "./endpoints.ts";

export interface StoreSourceOptions {
  /** `gzip` compresses layers that are stored uncompressed, once, and remembers the result. */
  readonly compression: "stored" | "gzip";
  /** The whole index, when the image came with one and all of it is here; else the one manifest. */
  readonly allPlatforms: boolean;
}

/** An image of the store as a source. */
export function storeSource(parts: LayerParts, image: Image, options: StoreSourceOptions): ImageSource {
  // Documents that differ from those in the store, because their layers are compressed.
  const made = new Map<string, Uint8Array>();
  const original = new Map<string, Descriptor>();
  return {
    description: describe(image),
    async getTop() {
      const index = options.allPlatforms ? image.index : undefined;
      if (index !== undefined && isWhole(parts, index))
        return { descriptor: index, bytes: parts.content.read(index.digest) };
      if (options.compression === "stored" || !image.manifest.layers.some(isUncompressed))
        return { descriptor: image.target, bytes: parts.content.read(image.target.digest) };
      const document = await compressed(parts, image, original);
      made.set(document.descriptor.digest, document.bytes);
      return document;
    },
    getManifest: ({ digest }) => Promise.resolve(made.get(digest) ?? parts.content.read(digest)),
    readBlob: (blob, { offsetBytes }) =>
      readBlob(parts, original.get(blob.digest) ?? blob, { blob, offsetBytes }),
    repositoriesOf: ({ digest }) => parts.records.findRepositories(digest),
  };
}

function describe(image: Image): string {
  const [name] = image.names;
  return name === undefined ? image.id : familiarReference(parseReference(name));
}

/** Whether all that an index names is in the store. */
function isWhole(parts: LayerParts, descriptor: Descriptor): boolean {
  if (!parts.content.has(descriptor.digest)) return false;
  const document = parseDocument({ descriptor, bytes: parts.content.read(descriptor.digest) });
  return document.kind === "index"
    ? document.manifests.every((manifest) => isWhole(parts, manifest))
    : [document.manifest.config, ...document.manifest.layers].every(({ digest }) =>
        parts.content.has(digest),
      );
}

/** The manifest with compressed layers. Its media type stays with its family. */
async function compressed(
  parts: LayerParts,
  image: Image,
  original: Map<string, Descriptor>,
): Promise<ImageBytes> {
  const layers: Descriptor[] = [];
  for (const layer of image.manifest.layers) {
    // The blob may have been collected since: its digest is enough to ask whether the target has it.
    const small = findCompressed(parts, layer) ?? (await gzipLayer(parts, layer));
    const isDocker = layer.mediaType === mediaTypes.dockerLayer;
    layers.push(isDocker ? { ...small, mediaType: mediaTypes.dockerLayerGzip } : small);
    original.set(small.digest, layer);
  }
  const manifest: Manifest = { ...image.manifest, layers };
  const bytes = Buffer.from(JSON.stringify(manifest));
  return { descriptor: { ...image.target, digest: digestOf(bytes), size: bytes.length }, bytes };
}

async function* readBlob(
  parts: LayerParts,
  stored: Descriptor,
  wanted: { readonly blob: Descriptor; readonly offsetBytes: number },
): AsyncGenerator<Uint8Array, void, undefined> {
  const { blob, offsetBytes } = wanted;
  if (!parts.content.has(blob.digest) && stored.digest !== blob.digest) {
    const again = await gzipLayer(parts, stored);
    if (again.digest !== blob.digest)
      throw new LighterError(
        "DIGEST_MISMATCH",
        `cannot push layer "${stored.digest}": compressed again it became ${again.digest}, not ${blob.digest} as before; push once more`,
      );
  }
  yield* parts.content.open(blob.digest, { offsetBytes }) as AsyncIterable<Buffer>;
}
