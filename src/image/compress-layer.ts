import { type Descriptor, type Digest, mediaTypes } from "#oci";
import type { LayerParts } from "./commit-layer.ts";
import { gzipBlocks } from "./gzip.ts";
import { singleFlight } from "./single-flight.ts";
import { isUncompressed, layerTar } from "./unpack.ts";

/** The gzip form of an uncompressed layer, as a blob of the store; one that is compressed already stays as it is. */
export async function gzipLayer(parts: LayerParts, layer: Descriptor): Promise<Descriptor> {
  if (!isUncompressed(layer)) return layer;
  const known = findCompressed(parts, layer.digest);
  if (known !== undefined) return known;
  await using _turn = await singleFlight(parts, `gzip ${layer.digest}`);
  return findCompressed(parts, layer.digest) ?? (await compress(parts, layer));
}

function findCompressed({ content, records }: LayerParts, diffId: Digest): Descriptor | undefined {
  const digest = records.findCompressed(diffId);
  const size = digest === undefined ? undefined : content.findSize(digest);
  return digest === undefined || size === undefined
    ? undefined
    : { mediaType: mediaTypes.layerGzip, digest, size };
}

async function compress(parts: LayerParts, layer: Descriptor): Promise<Descriptor> {
  using ingest = parts.content.ingest();
  for await (const block of gzipBlocks(layerTar(parts, layer))) ingest.write(block);
  const descriptor = ingest.commit(mediaTypes.layerGzip);
  parts.records.setCompressed(layer.digest, descriptor.digest);
  parts.records.setUnpackedSize(descriptor.digest, layer.size);
  return descriptor;
}
