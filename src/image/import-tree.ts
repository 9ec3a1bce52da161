import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { errorMessage, isLighterError, LighterError } from "#base";
import { mediaTypes } from "#oci";
import type { LayerParts } from "./commit-layer.ts";
import { FileTally } from "./file-tally.ts";
import type { LayerBlob } from "./image-store.ts";

/** The first bytes of each compression, and how it is undone. */
const forms = {
  gzip: [0x1f, 0x8b],
  zstd: [0x28, 0xb5, 0x2f, 0xfd],
} as const;

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
    for await (const chunk of plain(archive, host)) {
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

async function* plain(
  archive: AsyncIterable<Uint8Array>,
  host: LayerParts["host"],
): AsyncGenerator<Uint8Array, void, undefined> {
  const iterator = archive[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done === true)
    throw new LighterError("ARCHIVE_INVALID", "cannot import the archive: it is empty");
  const chunks = (async function* () {
    yield first.value;
    yield* { [Symbol.asyncIterator]: () => iterator };
  })();
  const begins = (bytes: readonly number[]): boolean => bytes.every((byte, at) => first.value[at] === byte);
  if (begins(forms.zstd)) return yield* host.codecs.zstdStream(chunks);
  if (!begins(forms.gzip)) return yield* chunks;
  const stream = createGunzip({ chunkSize: 1 << 18 });
  pipeline(Readable.from(chunks, { objectMode: false }), stream, () => {});
  yield* stream;
}
