import { isLighterError, LighterError, Limit } from "#base";
import { type Descriptor, type Digest, digestOf, type Manifest, type Platform } from "#oci";
import type { LayerParts } from "../commit-layer.ts";
import { isAttestation, isImageConfig, readConfig } from "../documents.ts";
import { unpackImage } from "../unpack.ts";
import { chooseForPlatform } from "./choose-platform.ts";
import { type ImageBytes, parseDocument } from "./document.ts";
import type { ImageSource, TransferOptions } from "./endpoints.ts";
import { storeBlob } from "./store-blob.ts";

export interface ReceiveOptions extends TransferOptions {
  /** Platforms to bring, of an index; `all` brings everything in it. */
  readonly platforms: readonly Platform[] | "all";
  /** Lays the trees out while layers arrive. @defaultValue true */
  readonly unpack?: boolean;
}

/** Layers that are fetched at once. */
const widthOfPull = 4;
const depthLimit = 4;

/** Brings an image from anywhere into the store; what its name leads to is returned, and not yet named. */
export async function receiveImage(
  parts: LayerParts,
  source: ImageSource,
  options: ReceiveOptions,
): Promise<Descriptor> {
  const top = await source.getTop(options.signal);
  const work: Work = { parts, source, options, limit: new Limit(widthOfPull), stop: new AbortController() };
  await receiveDocument(work, top, 0);
  return top.descriptor;
}

interface Work {
  readonly parts: LayerParts;
  readonly source: ImageSource;
  readonly options: ReceiveOptions;
  readonly limit: Limit;
  /** Ends the other layers when one has failed. */
  readonly stop: AbortController;
}

async function receiveDocument(work: Work, document: ImageBytes, depth: number): Promise<void> {
  if (depth > depthLimit)
    throw new LighterError(
      "IMAGE_INVALID",
      `cannot pull "${work.source.description}": its indexes nest too deep`,
    );
  const parsed = parseDocument(document);
  const { content } = work.parts;
  if (parsed.kind === "manifest") await receiveManifest(work, parsed.manifest, depth === 0);
  else
    for (const manifest of chosen(work, parsed.manifests))
      await receiveDocument(work, await getDocument(work, manifest), depth + 1);
  content.put(document.bytes, document.descriptor.mediaType);
}

function chosen({ options, source }: Work, manifests: readonly Descriptor[]): readonly Descriptor[] {
  if (options.platforms === "all") return manifests;
  const found = options.platforms.map((platform) =>
    chooseForPlatform(manifests, platform, source.description),
  );
  return [...new Set(found)];
}

async function getDocument({ source, options }: Work, descriptor: Descriptor): Promise<ImageBytes> {
  const bytes = await source.getManifest(descriptor, options.signal);
  if (digestOf(bytes) === descriptor.digest && bytes.length === descriptor.size) return { descriptor, bytes };
  throw new LighterError(
    "DIGEST_MISMATCH",
    `cannot pull "${source.description}": its manifest ${descriptor.digest} came as ${digestOf(bytes)} with ${bytes.length} bytes; ask who made the image`,
  );
}

async function receiveManifest(work: Work, manifest: Manifest, isAlone: boolean): Promise<void> {
  const { parts, source, options } = work;
  const onEnd = linkSignals(options.signal, work.stop);
  try {
    const quiet = { signal: work.stop.signal };
    await storeBlob(parts.content, source, manifest.config, quiet);
    const isImage = isImageConfig(manifest.config);
    if (!isImage && isAlone) throw noImage(work, manifest);
    const layers = distinct(manifest.layers).map((layer) => fetchLayer(work, layer));
    const byDigest = new Map(layers.map(({ digest, stored }) => [digest, stored]));
    const trees =
      isImage && options.unpack !== false && !manifest.layers.some(isAttestationLayer)
        ? unpackAsTheyCome(work, manifest, byDigest)
        : undefined;
    await firstFailure([...byDigest.values(), ...(trees === undefined ? [] : [trees])], work.stop);
  } finally {
    onEnd();
  }
}

function fetchLayer(
  work: Work,
  layer: Descriptor,
): { readonly digest: Digest; readonly stored: Promise<void> } {
  const { parts, source, options, limit, stop } = work;
  const stored = limit.run(async () => {
    const onProgress = options.onProgress === undefined ? {} : { onProgress: options.onProgress };
    await storeBlob(parts.content, source, layer, { signal: stop.signal, ...onProgress });
    for (const path of source.repositoriesOf(layer)) parts.records.addRepository(layer.digest, path);
  });
  stored.catch(() => undefined);
  return { digest: layer.digest, stored };
}

/** Each layer is laid out as soon as it has come. */
async function unpackAsTheyCome(
  { parts, options, stop }: Work,
  manifest: Manifest,
  stored: ReadonlyMap<Digest, Promise<void>>,
): Promise<void> {
  const config = readConfig(parts.content, manifest.config.digest);
  await unpackImage(
    parts,
    { manifest, config },
    {
      signal: stop.signal,
      whenStored: ({ digest }) => stored.get(digest) ?? Promise.resolve(),
      ...(options.onProgress && { onProgress: options.onProgress }),
    },
  );
}

/** Waits for all; the first failure ends the others and is the one that is thrown. */
async function firstFailure(tasks: readonly Promise<void>[], stop: AbortController): Promise<void> {
  let failure: { readonly error: unknown } | undefined;
  await Promise.all(
    tasks.map((task) =>
      task.catch((error: unknown) => {
        if (failure === undefined || isLighterError(failure.error, "CANCELLED")) failure = { error };
        stop.abort();
      }),
    ),
  );
  if (failure !== undefined) throw failure.error;
}

function linkSignals(signal: AbortSignal | undefined, stop: AbortController): () => void {
  const abort = () => stop.abort(signal?.reason);
  if (signal?.aborted) abort();
  signal?.addEventListener("abort", abort);
  return () => signal?.removeEventListener("abort", abort);
}

function distinct(layers: readonly Descriptor[]): readonly Descriptor[] {
  return [...new Map(layers.map((layer) => [layer.digest, layer])).values()];
}

function isAttestationLayer(layer: Descriptor): boolean {
  return isAttestation(layer) || layer.mediaType.startsWith("application/vnd.in-toto");
}

function noImage({ source }: Work, manifest: Manifest): LighterError {
  return new LighterError(
    "IMAGE_INVALID",
    `cannot pull "${source.description}": it is no container image but ${manifest.artifactType ?? manifest.config.mediaType}; use lighter image copy`,
  );
}
