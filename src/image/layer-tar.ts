import type { Readable } from "node:stream";
import { errorMessage, isLighterError, LighterError } from "#base";
import type { ContentReader } from "#content";
import type { Host } from "#host";
import { type Descriptor, type Digest, mediaTypes } from "#oci";
import { decompressed } from "./compression.ts";

/** Whether a layer is stored as the tar that its diffID is the digest of. */
export function isUncompressed(layer: Descriptor): boolean {
  return layer.mediaType === mediaTypes.layer || layer.mediaType === mediaTypes.dockerLayer;
}

/** The bytes of a stored layer, uncompressed and verified. A chunk is valid until the next is asked for. */
export function storedTar(
  { content, host }: { readonly content: ContentReader; readonly host: Pick<Host, "codecs"> },
  descriptor: Descriptor,
): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
  return isUncompressed(descriptor)
    ? content.readChunks(descriptor.digest)
    : layerTar(host, descriptor, () => content.open(descriptor.digest));
}

/**
 * The uncompressed bytes of what `open` gives. Which compression it is the bytes say: some tools note the wrong one, and
 * other engines take what they wrote. A chunk is valid until the next is asked for.
 */
export function layerTar(
  host: Pick<Host, "codecs">,
  { mediaType, digest }: Descriptor,
  open: () => Readable,
): AsyncIterable<Uint8Array> {
  switch (mediaType) {
    case mediaTypes.layer:
    case mediaTypes.dockerLayer:
      return open();
    case mediaTypes.layerGzip:
    case mediaTypes.dockerLayerGzip:
    case mediaTypes.layerZstd:
      return checked(decompressed(host, open()), digest);
    default:
      throw new LighterError(
        "COMPRESSION_UNSUPPORTED",
        `cannot unpack layer "${digest}": its media type ${mediaType} is not supported; want tar, tar+gzip or tar+zstd`,
      );
  }
}

async function* checked(
  bytes: AsyncIterable<Uint8Array>,
  digest: Digest,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* bytes;
  } catch (error) {
    if (isLighterError(error)) throw error;
    throw new LighterError(
      "ARCHIVE_INVALID",
      `cannot unpack layer "${digest}": its gzip data is damaged (${errorMessage(error)}); load or pull the image again`,
      { cause: error },
    );
  }
}

/** A layer unpacked to something else than the image's config says. */
export function notItsDiffId({ digest }: Descriptor, diffId: Digest): LighterError {
  return new LighterError(
    "DIGEST_MISMATCH",
    `cannot unpack layer "${digest}": it does not hold what the image says (${diffId}); load or pull the image again`,
  );
}
