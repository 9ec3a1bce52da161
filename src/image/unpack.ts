import { pipeline, type Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { errorMessage, isLighterError, LighterError, type OnProgress } from "#base";
import {
  chainId,
  type Descriptor,
  type Digest,
  Digester,
  digestOf,
  type Manifest,
  mediaTypes,
  shortId,
} from "#oci";
import { Extraction, type SnapshotName } from "#snapshot";
import type { LayerParts } from "./commit-layer.ts";
import type { Image } from "./image-store.ts";
import { singleFlight } from "./single-flight.ts";

interface UnpackOptions {
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

/** As much of an image as its tree depends on. */
export interface Unpackable {
  readonly manifest: Pick<Image["manifest"], "layers">;
  readonly config: Pick<Image["config"], "rootfs">;
}

/** The image's tree when it is there already. */
export function findUnpacked(
  { snapshots }: Pick<LayerParts, "snapshots">,
  image: Pick<Unpackable, "config">,
): SnapshotName | undefined {
  const top = chainId(image.config.rootfs.diff_ids);
  return top === undefined ? undefined : snapshots.find(top);
}

/** See `ImageStore.unpack`. */
export async function unpackImage(
  parts: LayerParts,
  image: Unpackable,
  options: UnpackOptions = {},
): Promise<SnapshotName | undefined> {
  const diffIds = image.config.rootfs.diff_ids;
  const found = findUnpacked(parts, image);
  if (found !== undefined) return found;
  checkLayerCount(image.manifest, diffIds);
  let parent: SnapshotName | undefined;
  let chain: Digest | undefined;
  for (const [place, diffId] of diffIds.entries()) {
    const descriptor = image.manifest.layers[place];
    if (descriptor === undefined) break;
    chain = chain === undefined ? diffId : digestOf(`${chain} ${diffId}`);
    parent = await unpackLayer(parts, { parent, chain, diffId, descriptor }, options);
  }
  return parent;
}

/** A layer and what it stands on. */
export interface LayerStep {
  readonly parent: SnapshotName | undefined;
  readonly chain: Digest;
  readonly diffId: Digest;
  readonly descriptor: Descriptor;
}

/** Lays one layer out on its parent, once, whoever else does the same. @throws DIGEST_MISMATCH */
export async function unpackLayer(
  parts: LayerParts,
  step: LayerStep,
  options: UnpackOptions,
): Promise<SnapshotName> {
  const early = parts.snapshots.find(step.chain);
  if (early !== undefined) return early;
  await using _turn = await singleFlight(parts, `unpack ${step.chain}`, options.signal);
  const found = parts.snapshots.find(step.chain);
  if (found !== undefined) return found;
  await using active = parts.snapshots.prepare(step.parent);
  await extractLayer(parts, step, { root: active.upper, lower: active.lower, options });
  const { descriptor, diffId, chain } = step;
  parts.records.setLayer(chain, { descriptor, diffId, chainId: chain, isUnpacked: true });
  return parts.snapshots.commit(active, chain);
}

async function extractLayer(
  parts: LayerParts,
  step: LayerStep,
  to: { readonly root: string; readonly lower: readonly string[]; readonly options: UnpackOptions },
): Promise<void> {
  using extraction = new Extraction({
    host: parts.host,
    root: to.root,
    lower: to.lower,
    whiteouts: "overlay",
  });
  const report = progressOf(step.descriptor, to.options.onProgress);
  const isPlain = isUncompressed(step.descriptor);
  const digester = new Digester();
  let current = 0;
  for await (const chunk of layerTar(parts, step.descriptor)) {
    if (to.options.signal?.aborted) throw new LighterError("CANCELLED", "cannot unpack the image: cancelled");
    // The digest of a plain layer is its diffID, and the store has verified it.
    if (!isPlain) digester.update(chunk);
    extraction.write(chunk);
    current += chunk.length;
    report(current, false);
  }
  extraction.finish();
  if ((isPlain ? step.descriptor.digest : digester.digest()) !== step.diffId)
    throw new LighterError(
      "DIGEST_MISMATCH",
      `cannot unpack layer "${step.descriptor.digest}": it does not hold what the image says (${step.diffId}); load or pull the image again`,
    );
  if (!isPlain) parts.records.setUnpackedSize(step.descriptor.digest, current);
  report(current, true);
}

/** Whether a layer is stored as the tar that its diffID is the digest of. */
export function isUncompressed(layer: Descriptor): boolean {
  return layer.mediaType === mediaTypes.layer || layer.mediaType === mediaTypes.dockerLayer;
}

/** The bytes of a layer, uncompressed. A chunk is valid until the next is asked for. */
export function layerTar(
  { content, host }: Pick<LayerParts, "content" | "host">,
  descriptor: Descriptor,
): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
  switch (descriptor.mediaType) {
    case mediaTypes.layer:
    case mediaTypes.dockerLayer:
      return content.readChunks(descriptor.digest);
    case mediaTypes.layerGzip:
    case mediaTypes.dockerLayerGzip:
      return gunzip(content.open(descriptor.digest), descriptor.digest);
    case mediaTypes.layerZstd:
      return host.codecs.zstdStream(content.open(descriptor.digest));
    default:
      throw new LighterError(
        "COMPRESSION_UNSUPPORTED",
        `cannot unpack layer "${descriptor.digest}": its media type ${descriptor.mediaType} is not supported; want tar, tar+gzip or tar+zstd`,
      );
  }
}

async function* gunzip(compressed: Readable, digest: Digest): AsyncGenerator<Uint8Array, void, undefined> {
  const stream = createGunzip({ chunkSize: 1 << 18 });
  // Either one's failure ends the other; the loop below sees it.
  pipeline(compressed, stream, () => {});
  try {
    yield* stream;
  } catch (error) {
    if (isLighterError(error)) throw error;
    throw new LighterError(
      "ARCHIVE_INVALID",
      `cannot unpack layer "${digest}": its gzip data is damaged (${errorMessage(error)}); load or pull the image again`,
      { cause: error },
    );
  }
}

function progressOf(
  descriptor: Descriptor,
  onProgress: OnProgress | undefined,
): (current: number, done: boolean) => void {
  if (onProgress === undefined) return () => {};
  const id = `unpack ${descriptor.digest}`;
  const label = `unpack ${shortId(descriptor.digest)}`;
  return (current, done) => onProgress({ id, label, current, unit: "bytes", ...(done && { done }) });
}

/** @throws IMAGE_INVALID when manifest and config disagree on the number of layers */
export function checkLayerCount(manifest: Pick<Manifest, "layers">, diffIds: readonly Digest[]): void {
  if (manifest.layers.length === diffIds.length) return;
  throw new LighterError(
    "IMAGE_INVALID",
    `cannot unpack image: it names ${manifest.layers.length} layers and ${diffIds.length} of them in its config`,
  );
}
