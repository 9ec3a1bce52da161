import { errorMessage, LighterError } from "#base";
import type { ContentStore } from "#content";
import { type ImageSource, type ImageStore, type LayerBlob, parseDocument, registrySource } from "#image";
import { type Descriptor, digestOf, type Manifest, mediaTypes } from "#oci";
import type { SnapshotName } from "#snapshot";
import type { OpenRegistries } from "../ports.ts";
import type { CacheStore, PendingRecord } from "../solve/cache-store.ts";
import { timesOfContent } from "../times/time-origin.ts";
import {
  type CacheDocument,
  cacheConfigType,
  inlineField,
  invalid,
  type PortableRecord,
  parseCacheDocument,
} from "./artifact.ts";
import { layoutSource } from "./layout-place.ts";
import type { CacheSource } from "./places.ts";

/** Records of other stores, by key. Nothing of them is fetched before somebody needs the tree. */
export interface ImportedCache {
  find(key: string): PendingRecord | undefined;
}

export interface ImportParts {
  readonly content: ContentStore;
  readonly images: ImageStore;
  readonly cache: CacheStore;
  readonly registries: OpenRegistries;
  /** Layers that were made with another time would make another image. */
  readonly epochSeconds: number;
  readonly onWarning: (text: string) => void;
  readonly signal: AbortSignal | undefined;
}

/** Reads what sources hold. One that cannot be used is a warning: a build never needs a cache. */
export async function importCaches(
  sources: readonly CacheSource[],
  parts: ImportParts,
): Promise<ImportedCache> {
  const records = new Map<string, PendingRecord>();
  for (const source of sources) {
    try {
      await readSource(source, { parts, records });
    } catch (error) {
      parts.signal?.throwIfAborted();
      if (!source.ignoreError)
        parts.onWarning(`cannot import the cache from ${describe(source)}: ${errorMessage(error)}`);
    }
  }
  return { find: (key) => records.get(key) };
}

export function describe(place: CacheSource): string {
  return place.kind === "local" ? place.directory : place.reference.repository;
}

interface Reading {
  readonly parts: ImportParts;
  readonly records: Map<string, PendingRecord>;
}

async function placeOf(source: CacheSource, { registries }: ImportParts): Promise<ImageSource> {
  if (source.kind === "local") return layoutSource(source.directory, source.tag);
  const { reference, insecure } = source;
  return registrySource(await registries(insecure ? [reference.registry] : []), reference);
}

async function readSource(source: CacheSource, reading: Reading): Promise<void> {
  const place = await placeOf(source, reading.parts);
  const top = parseDocument(await place.getTop(reading.parts.signal));
  if (top.kind === "manifest") return await readManifest(place, top.manifest, reading);
  for (const descriptor of top.manifests) {
    if (descriptor.annotations?.["vnd.docker.reference.type"] !== undefined) continue;
    const bytes = await place.getManifest(descriptor, reading.parts.signal);
    const document = parseDocument({ descriptor, bytes });
    if (document.kind === "manifest") await readManifest(place, document.manifest, reading);
  }
}

async function readManifest(
  place: ImageSource,
  manifest: Manifest,
  { parts, records }: Reading,
): Promise<void> {
  const document = await readDocument(place, manifest, parts.signal);
  if (document.epochSeconds !== parts.epochSeconds)
    throw invalid(
      `it was made with SOURCE_DATE_EPOCH ${document.epochSeconds}, this build has ${parts.epochSeconds}`,
    );
  if (document.diffIds.length !== manifest.layers.length) throw invalid("it does not tell of every layer");
  for (const record of document.records) {
    const layers = record.layers.flatMap((at): readonly LayerBlob[] => {
      const [descriptor, diffId] = [manifest.layers[at], document.diffIds[at]];
      return descriptor === undefined || diffId === undefined ? [] : [{ descriptor, diffId }];
    });
    const pending = pendingRecord(record, layers, { place, parts });
    for (const key of record.keys)
      if (!records.has(key)) records.set(key, { ...pending, ...otherKey(record.keys, key) });
  }
}

const largestConfigBytes = 64 << 20;

async function readDocument(
  place: ImageSource,
  { config }: Manifest,
  signal: AbortSignal | undefined,
): Promise<CacheDocument> {
  if (config.size > largestConfigBytes) throw invalid("its config is too large");
  const value: unknown = JSON.parse((await readAll(place, config, signal)).toString());
  if (config.mediaType === cacheConfigType) return parseCacheDocument(value);
  const image = value as {
    readonly rootfs?: { readonly diff_ids?: unknown };
    readonly [inlineField]?: object;
  };
  const inline = image[inlineField];
  if (inline === undefined) throw invalid("it is an image without an inline cache");
  return parseCacheDocument({ ...inline, diffIds: image.rootfs?.diff_ids });
}

async function readAll(
  place: ImageSource,
  blob: Descriptor,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of place.readBlob(blob, { offsetBytes: 0, ...(signal && { signal }) }))
    chunks.push(Buffer.from(chunk));
  const bytes = Buffer.concat(chunks);
  if (digestOf(bytes) !== blob.digest)
    throw new LighterError("DIGEST_MISMATCH", `cannot read ${blob.digest}: it is damaged`);
  return bytes;
}

interface Origin {
  readonly place: ImageSource;
  readonly parts: ImportParts;
}

function pendingRecord(record: PortableRecord, layers: readonly LayerBlob[], origin: Origin): PendingRecord {
  const { id, name, keys } = record;
  let fetching: Promise<SnapshotName | undefined> | undefined;
  const fetchTree = async (): Promise<SnapshotName | undefined> => {
    const { images, cache, signal } = origin.parts;
    const plain: LayerBlob[] = [];
    for (const layer of layers) plain.push(await fetchLayer(layer, origin));
    const snapshot = await images.unpackLayers(plain, signal === undefined ? {} : { signal });
    const own = { id, name, origin: timesOfContent, ...(snapshot !== undefined && { snapshot }) };
    for (const key of keys) cache.put(key, { ...own, ...otherKey(keys, key) });
    return snapshot;
  };
  return {
    id,
    name,
    origin: timesOfContent,
    fetch: () => (fetching ??= fetchTree()),
  };
}

function otherKey(keys: readonly string[], key: string | undefined): { readonly otherKey?: string } {
  const other = keys.find((each) => each !== key);
  return other === undefined ? {} : { otherKey: other };
}

/** A layer as the store keeps those that were made here, uncompressed: the image gets the digest that it has elsewhere. */
async function fetchLayer(layer: LayerBlob, { place, parts }: Origin): Promise<LayerBlob> {
  const { content, images, signal } = parts;
  const { descriptor, diffId } = layer;
  const sizeBytes = content.findSize(diffId);
  if (sizeBytes !== undefined)
    return { descriptor: { mediaType: mediaTypes.layer, digest: diffId, size: sizeBytes }, diffId };
  if (content.findSize(descriptor.digest) !== descriptor.size) {
    using ingest = content.ingest();
    for await (const chunk of place.readBlob(descriptor, { offsetBytes: 0, ...(signal && { signal }) })) {
      signal?.throwIfAborted();
      ingest.write(chunk);
    }
    ingest.commit(descriptor.mediaType, { digest: descriptor.digest, sizeBytes: descriptor.size });
  }
  const plain = await images.formLayer(descriptor, { compression: "uncompressed", force: true });
  if (plain.digest !== diffId)
    throw new LighterError(
      "DIGEST_MISMATCH",
      `cannot use layer ${descriptor.digest}: it does not hold ${diffId}`,
    );
  return { descriptor: plain, diffId };
}
