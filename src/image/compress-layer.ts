import { LighterError } from "#base";
import { type Descriptor, type Digest, mediaTypes } from "#oci";
import type { LayerParts } from "./commit-layer.ts";
import { compressBlocks } from "./compress-blocks.ts";
import { gzipBlock, gzipBlockBytes } from "./gzip-block.ts";
import type { LayerForm } from "./image-store.ts";
import { isUncompressed, storedTar } from "./layer-tar.ts";
import { singleFlight } from "./single-flight.ts";

/** Frames of zstd are larger than members of gzip: its window is. */
const zstdBlockBytes = 4 << 20;

/** See `ImageStore.formLayer`. */
export async function formLayer(
  parts: LayerParts,
  layer: Descriptor,
  form: LayerForm,
  diffId: Digest = layer.digest,
): Promise<Descriptor> {
  const isPlain = isUncompressed(layer);
  if (form.compression === "uncompressed")
    return isPlain || form.force !== true ? layer : await uncompress(parts, layer);
  if (!isPlain && (form.force !== true || isIn(layer, form))) return layer;
  const name = nameOf(form);
  const known = findCompressed(parts, { diffId, name, form });
  if (known !== undefined) return known;
  await using _turn = await singleFlight(parts, `${name} ${diffId}`);
  return (
    findCompressed(parts, { diffId, name, form }) ?? (await compress(parts, layer, { diffId, name, form }))
  );
}

/** What `formLayer` made of an uncompressed layer when it last did, though the blob may be gone by now. */
export function findFormed(
  { records }: LayerParts,
  layer: Descriptor,
  form: LayerForm,
): Descriptor | undefined {
  if (!isUncompressed(layer) || form.compression === "uncompressed") return undefined;
  const known = records.findCompressed(layer.digest, nameOf(form));
  return known?.size === undefined
    ? undefined
    : { mediaType: mediaTypeOf(form), digest: known.digest, size: known.size };
}

function nameOf({ compression, level }: LayerForm): string {
  return `${compression}${level === undefined ? "" : `-${level}`}`;
}

function isIn(layer: Descriptor, form: LayerForm): boolean {
  return layer.mediaType.endsWith(form.compression);
}

interface Wanted {
  readonly diffId: Digest;
  readonly name: string;
  readonly form: LayerForm;
}

function findCompressed({ content, records }: LayerParts, wanted: Wanted): Descriptor | undefined {
  const digest = records.findCompressed(wanted.diffId, wanted.name)?.digest;
  const size = digest === undefined ? undefined : content.findSize(digest);
  return digest === undefined || size === undefined
    ? undefined
    : { mediaType: mediaTypeOf(wanted.form), digest, size };
}

function mediaTypeOf({ compression }: LayerForm): string {
  if (compression === "zstd") return mediaTypes.layerZstd;
  return compression === "gzip" ? mediaTypes.layerGzip : mediaTypes.layer;
}

async function compress(parts: LayerParts, layer: Descriptor, wanted: Wanted): Promise<Descriptor> {
  using ingest = parts.content.ingest({ isFlushed: false, expectedBytes: layer.size });
  for await (const block of blocks(parts, layer, wanted.form)) ingest.write(block);
  const descriptor = ingest.commit(mediaTypeOf(wanted.form));
  parts.records.setCompressed(wanted.diffId, descriptor, wanted.name);
  const fileBytes = parts.records.findFileBytes(layer.digest);
  if (fileBytes !== undefined) parts.records.setFileBytes(descriptor.digest, fileBytes);
  return descriptor;
}

function blocks(parts: LayerParts, layer: Descriptor, form: LayerForm): AsyncIterable<Uint8Array> {
  const tar = storedTar(parts, layer);
  const { codecs } = parts.host;
  if (form.compression === "gzip")
    return compressBlocks(tar, {
      blockBytes: gzipBlockBytes,
      compress: (block) => gzipBlock(codecs, block, form.level),
    });
  return compressBlocks(tar, {
    blockBytes: zstdBlockBytes,
    compress: (block) => codecs.zstdCompress(block, form.level),
  });
}

async function uncompress(parts: LayerParts, layer: Descriptor): Promise<Descriptor> {
  using ingest = parts.content.ingest({ isFlushed: false });
  for await (const chunk of storedTar(parts, layer)) ingest.write(chunk);
  return ingest.commit(mediaTypes.layer);
}

/** The levels that a compression knows. @throws ARGUMENT_INVALID */
export function checkLevel({ compression, level }: LayerForm): void {
  if (level === undefined) return;
  const highest = compression === "gzip" ? 9 : compression === "zstd" ? 22 : 0;
  if (Number.isInteger(level) && level >= 0 && level <= highest) return;
  const range = highest === 0 ? "it has no levels" : `want 0 to ${highest}`;
  throw new LighterError(
    "ARGUMENT_INVALID",
    `cannot compress with ${compression} at level ${level}: ${range}`,
  );
}
