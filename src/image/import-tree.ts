import { errorMessage, isLighterError, LighterError } from "#base";
import { mediaTypes } from "#oci";
import type { LayerParts } from "./commit-layer.ts";
import { decompressed } from "./compression.ts";
import { FileTally } from "./file-tally.ts";
import type { LayerBlob } from "./image-store.ts";

/**
 * Stores a tar archive of a root filesystem as a layer, uncompressed, as it is.
 * @throws ARCHIVE_INVALID, COMPRESSION_UNSUPPORTED, STORE_FULL, CANCELLED
 */
export async function importTree(
  { content, host, records }: LayerParts,
  archive: AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<LayerBlob> {
  const tally = new FileTally();
  using ingest = content.ingest();
  try {
    for await (const chunk of decompressed(host, archive)) {
      if (signal?.aborted) throw new LighterError("CANCELLED", "cannot import the archive: cancelled");
      tally.write(chunk);
      ingest.write(chunk);
    }
  } catch (error) {
    if (isLighterError(error)) throw error;
    throw new LighterError("ARCHIVE_INVALID", `cannot import the archive: ${errorMessage(error)}`);
  }
  const fileBytes = tally.end();
  if (fileBytes === undefined)
    throw new LighterError(
      "ARCHIVE_INVALID",
      "cannot import the archive: it is no tar archive, plain or in gzip or zstd",
    );
  const descriptor = ingest.commit(mediaTypes.layer);
  records.setFileBytes(descriptor.digest, fileBytes);
  return { descriptor, diffId: descriptor.digest };
}
