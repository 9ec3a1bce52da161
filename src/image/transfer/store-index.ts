import { LighterError } from "#base";
import type { ContentStore } from "#content";
import {
  type Descriptor,
  formatPlatform,
  type Index,
  mediaTypes,
  normalizePlatform,
  type Platform,
} from "#oci";
import type { LayerParts } from "../commit-layer.ts";
import { formLayer } from "../compress-layer.ts";
import { isAttestation, isIndex, readIndex } from "../documents.ts";
import type { Image, LayerForm } from "../image-store.ts";
import { listDescriptors } from "../platform-choice.ts";

/** Stores an index of images, and what of their layers had to be brought into another form. */
export async function storeIndex(
  parts: LayerParts,
  images: readonly Image[],
  form: LayerForm,
): Promise<Descriptor> {
  const rows: Descriptor[] = [];
  for (const image of images)
    for (const row of await rowsOf(parts, image, form))
      if (!rows.some(({ digest }) => digest === row.digest)) rows.push(row);
  checkPlatforms(rows);
  const index: Index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests: rows };
  return parts.content.put(JSON.stringify(index), mediaTypes.index);
}

/** Stores the index of an image with other rows. @throws ARGUMENT_INVALID */
export function changeIndex(
  content: ContentStore,
  image: Image,
  change: (rows: readonly Descriptor[]) => readonly Descriptor[],
): Descriptor {
  if (image.index === undefined)
    throw new LighterError(
      "ARGUMENT_INVALID",
      `cannot change "${image.names[0] ?? image.id}": it is no manifest list but one image; lighter manifest create makes one`,
    );
  const index = readIndex(content, image.index.digest);
  const manifests = change(index.manifests);
  checkPlatforms(manifests);
  return content.put(JSON.stringify({ ...index, manifests }), image.index.mediaType);
}

/** Of an image that stands in an index already, all that this holds. */
async function rowsOf(parts: LayerParts, image: Image, form: LayerForm): Promise<readonly Descriptor[]> {
  if (image.index !== undefined)
    return listDescriptors(parts.content, image.index).filter((descriptor) => !isIndex(descriptor));
  const layers: Descriptor[] = [];
  for (const layer of image.manifest.layers) layers.push(await formLayer(parts, layer, form));
  const isSame = layers.every(({ digest }, place) => digest === image.manifest.layers[place]?.digest);
  const { annotations: _, ...target } = image.target;
  const stored = isSame
    ? target
    : parts.content.put(JSON.stringify({ ...image.manifest, layers }), image.target.mediaType);
  return [{ ...stored, platform: platformOf(image) }];
}

function platformOf({ config }: Image): Platform {
  const { os, architecture, variant } = config;
  return normalizePlatform({ os, architecture, ...(variant !== undefined && { variant }) });
}

function checkPlatforms(rows: readonly Descriptor[]): void {
  const seen = new Set<string>();
  for (const row of rows) {
    if (isAttestation(row) || row.platform === undefined) continue;
    const platform = formatPlatform(row.platform);
    if (seen.has(platform))
      throw new LighterError(
        "ARGUMENT_INVALID",
        `cannot create a manifest list: two of the images are for ${platform}; leave one out`,
      );
    seen.add(platform);
  }
}
