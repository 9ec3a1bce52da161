import { once } from "node:events";
import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import type { Host } from "#host";
import { mediaTypes } from "#oci";

/** The first bytes of each compression. */
const marks = {
  gzip: [0x1f, 0x8b],
  zstd: [0x28, 0xb5, 0x2f, 0xfd],
} as const;
const markBytes = 4;

/** How bytes are compressed that begin so. */
export function compressionOf(first: Uint8Array | undefined): "gzip" | "zstd" | "uncompressed" {
  const begins = (mark: readonly number[]): boolean => mark.every((byte, at) => first?.[at] === byte);
  if (begins(marks.gzip)) return "gzip";
  return begins(marks.zstd) ? "zstd" : "uncompressed";
}

/** The media type of a layer whose archive does not say it, by its first bytes. */
export function layerTypeOf(first: Uint8Array | undefined): string {
  const types = {
    gzip: mediaTypes.layerGzip,
    zstd: mediaTypes.layerZstd,
    uncompressed: mediaTypes.layer,
  };
  return types[compressionOf(first)];
}

/** Bytes that may be compressed, as they were before. A chunk is valid until the next is asked for. */
export async function* decompressed(
  host: Pick<Host, "codecs">,
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const stream = bytes instanceof Readable ? bytes : Readable.from(bytes, { objectMode: false });
  const compression = compressionOf(await peek(stream));
  if (compression === "zstd") return yield* host.codecs.zstdStream(stream);
  if (compression === "uncompressed") return yield* stream;
  const gunzip = createGunzip({ chunkSize: 1 << 18 });
  // Either one's failure ends the other; whoever reads sees it.
  pipeline(stream, gunzip, () => {});
  yield* gunzip;
}

async function peek(stream: Readable): Promise<Buffer> {
  for (;;) {
    await once(stream, "readable");
    const head: Buffer | null = stream.read(markBytes);
    if (head !== null) {
      stream.unshift(head);
      return head;
    }
    // Nothing, and no more to come; less than a mark has to wait for the rest.
    if (stream.readableLength === 0) return Buffer.alloc(0);
  }
}
