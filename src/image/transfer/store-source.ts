import { LighterError } from "#base";
import {
  type Descriptor,
  type Digest,
  digestOf,
  familiarReference,
  type Manifest,
  mediaTypes,
  parseReference,
} from "#oci";
import type { LayerParts } from "../commit-layer.ts";
import { findFormed, formLayer } from "../compress-layer.ts";
import { isIndex, readManifest } from "../documents.ts";
import type { Image, LayerForm } from "../image-store.ts";
import { isUncompressed } from "../layer-tar.ts";
import { listDescriptors } from "../platform-choice.ts";
import type { ImageBytes } from "./document.ts";
import type { ImageSource } from "./endpoints.ts";
import { readPart } from "./places/file-view.ts";

export interface StoreSourceOptions {
  /** How layers that are stored uncompressed are written down; made once and remembered. Undefined: as they are. */
  readonly form?: LayerForm;
  /** Told of each layer that was brought into the form just now, before the next is begun. */
  readonly onFormed?: (layer: Descriptor) => void;
  /** The index that the image's name leads to, when all of it is in the store; else the one manifest. */
  readonly allPlatforms: boolean;
}

/** An image of the store as a source. */
export function storeSource(parts: LayerParts, image: Image, options: StoreSourceOptions): ImageSource {
  const { content } = parts;
  const formed = new Map<Digest, Descriptor>();
  return {
    description: describe(image),
    async getTop() {
      const index = options.allPlatforms ? image.index : undefined;
      if (index !== undefined && isWhole(parts, index))
        return { descriptor: index, bytes: content.read(index.digest) };
      if (options.form === undefined || !image.manifest.layers.some(isUncompressed))
        return { descriptor: image.target, bytes: content.read(image.target.digest) };
      return await withFormedLayers(parts, image, { ...options, form: options.form, formed });
    },
    getManifest: async ({ digest }) => content.read(digest),
    readBlob: (blob, { offsetBytes }) =>
      readBlob(parts, { blob, offsetBytes, plain: formed.get(blob.digest), form: options.form }),
    repositoriesOf: ({ digest }) => parts.records.findRepositories(digest),
  };
}

function describe(image: Image): string {
  const [name] = image.names;
  return name === undefined ? image.id : familiarReference(parseReference(name));
}

/** Whether all that an index names is in the store. */
function isWhole({ content }: LayerParts, index: Descriptor): boolean {
  return listDescriptors(content, index).every((descriptor) => {
    if (!content.has(descriptor.digest)) return false;
    if (isIndex(descriptor)) return true;
    const { config, layers } = readManifest(content, descriptor.digest);
    return [config, ...layers].every(({ digest }) => content.has(digest));
  });
}

/** The manifest with its layers in another form. The family of its media types stays. */
async function withFormedLayers(
  parts: LayerParts,
  image: Image,
  into: {
    readonly form: LayerForm;
    readonly formed: Map<Digest, Descriptor>;
    readonly onFormed?: (layer: Descriptor) => void;
  },
): Promise<ImageBytes> {
  const layers: Descriptor[] = [];
  for (const layer of image.manifest.layers) {
    // A blob that was collected since needs no second making to ask whether the target has it.
    const known = findFormed(parts, layer, into.form);
    const small = known ?? (await formLayer(parts, layer, into.form));
    const isDocker = layer.mediaType === mediaTypes.dockerLayer && small.mediaType === mediaTypes.layerGzip;
    const written = isDocker ? { ...small, mediaType: mediaTypes.dockerLayerGzip } : small;
    layers.push(written);
    into.formed.set(small.digest, layer);
    if (known === undefined && small !== layer) into.onFormed?.(written);
  }
  const manifest: Manifest = { ...image.manifest, layers };
  const bytes = Buffer.from(JSON.stringify(manifest));
  return { descriptor: { ...image.target, digest: digestOf(bytes), size: bytes.length }, bytes };
}

async function* readBlob(
  parts: LayerParts,
  wanted: {
    readonly blob: Descriptor;
    readonly offsetBytes: number;
    readonly plain: Descriptor | undefined;
    readonly form: LayerForm | undefined;
  },
): AsyncGenerator<Uint8Array, void, undefined> {
  const { blob, plain, form } = wanted;
  if (!parts.content.has(blob.digest) && plain !== undefined && form !== undefined) {
    const again = await formLayer(parts, plain, form);
    if (again.digest !== blob.digest)
      throw new LighterError(
        "DIGEST_MISMATCH",
        `cannot push layer "${plain.digest}": compressed again it became ${again.digest}, not ${blob.digest} as before; push once more`,
      );
  }
  // What was compressed for this very copy was hashed while it was written, and the target hashes what it takes.
  const { offsetBytes } = wanted;
  if (plain === undefined) yield* parts.content.open(blob.digest, { offsetBytes }) as AsyncIterable<Buffer>;
  else yield* readPart({ path: parts.content.path(blob.digest), start: 0, size: blob.size }, offsetBytes);
}
