import { setImmediate } from "node:timers/promises";
import { LighterError } from "#base";
import type { ContentStore, IngestOptions } from "#content";
import type { Host } from "#host";
import { chainId, type Descriptor, type Digest, digestOf, mediaTypes } from "#oci";
import type { SnapshotName, Snapshotter } from "#snapshot";
import type { LayerBlob, LayerTimes } from "./image-store.ts";
import type { LayerOptions } from "./layer-walk.ts";
import { layerChunks } from "./layer-writer.ts";
import { readAheadChunks } from "./read-ahead.ts";
import type { Records, SnapshotLayer } from "./records.ts";
import { singleFlight } from "./single-flight.ts";

/** Others get a turn after so long: timers of the display, output of running steps, Ctrl-C. */
const turnMs = 30;

/** What the work on layers needs. */
export interface LayerParts {
  readonly content: ContentStore;
  readonly snapshots: Snapshotter;
  readonly host: Pick<Host, "files" | "locks" | "codecs">;
  readonly records: Records;
}

interface CommitOptions {
  readonly times?: LayerTimes | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** See `ImageStore.commitLayer`. */
export async function commitLayer(
  parts: LayerParts,
  snapshot: SnapshotName,
  { times, signal }: CommitOptions = {},
): Promise<LayerBlob> {
  const known = findKnown(parts, snapshot, times);
  if (known !== undefined) return known;
  await using _turn = await singleFlight(parts, `commit ${snapshot}`, signal);
  return findKnown(parts, snapshot, times) ?? (await writeBlob(parts, snapshot, { times, signal }));
}

function findKnown(
  { records, content }: LayerParts,
  snapshot: SnapshotName,
  times: LayerTimes | undefined,
): LayerBlob | undefined {
  // What was unpacked from an image stays that image's layer, whatever times are asked for.
  const unpacked = records.findLayer(snapshot);
  const record = unpacked?.isUnpacked ? unpacked : records.findLayer(recordName(snapshot, times));
  if (record === undefined) return undefined;
  if (content.findSize(record.descriptor.digest) === record.descriptor.size)
    return { descriptor: record.descriptor, diffId: record.diffId };
  if (!record.isUnpacked) return undefined;
  throw new LighterError(
    "BLOB_NOT_FOUND",
    `cannot use layer "${record.descriptor.digest}": its blob is not in the store; build, load or pull the image again`,
  );
}

/** One snapshot has a layer for each kind of times that was asked for. */
function recordName(snapshot: SnapshotName, times: LayerTimes | undefined): string {
  return times === undefined ? snapshot : `${snapshot}@${times.key}`;
}

async function writeBlob(
  parts: LayerParts,
  snapshot: SnapshotName,
  { times, signal }: CommitOptions,
): Promise<LayerBlob> {
  const descriptor = await writeTar(parts, parts.snapshots.changes(snapshot), { times, signal });
  return recordLayer(parts, snapshot, { descriptor, times });
}

interface TarOptions extends Omit<LayerOptions, "files"> {
  readonly ingest?: Pick<IngestOptions, "expectedBytes" | "isCached">;
  /** Whether there is so much to read that a thread of its own is worth its start. */
  readonly readsAhead?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Writes the tar of a directory in overlay form into the store. */
export async function writeTar(
  { content, host, records }: Pick<LayerParts, "content" | "host" | "records">,
  directory: string,
  { ingest: ingestOptions, readsAhead = false, signal, ...options }: TarOptions,
): Promise<Descriptor> {
  let fileBytes = 0;
  const onFile = (sizeBytes: number) => (fileBytes += sizeBytes);
  const chunksOf = readsAhead ? readAheadChunks : layerChunks;
  const chunks = chunksOf(directory, { files: host.files, onFile, ...options });
  const descriptor = await storeLayer(content, chunks, { ...ingestOptions, signal });
  records.setFileBytes(descriptor.digest, fileBytes);
  return descriptor;
}

/** Puts the bytes of a layer into the store. */
export async function storeLayer(
  content: ContentStore,
  chunks: Iterable<Uint8Array>,
  { signal, ...options }: TarOptions["ingest"] & Pick<TarOptions, "signal">,
): Promise<Descriptor> {
  // The snapshot that it is made of is not flushed either.
  using ingest = content.ingest({ isFlushed: false, ...options });
  let since = performance.now();
  for (const chunk of chunks) {
    ingest.write(chunk);
    if (performance.now() - since < turnMs) continue;
    await setImmediate();
    if (signal?.aborted) throw new LighterError("CANCELLED", "cannot write the layer: cancelled");
    since = performance.now();
  }
  return ingest.commit(mediaTypes.layer);
}

/** Remembers the layer of a snapshot, and gives the snapshot the name by which images find it. */
export function recordLayer(
  { snapshots, records }: LayerParts,
  snapshot: SnapshotName,
  { descriptor, times }: { readonly descriptor: Descriptor; readonly times: LayerTimes | undefined },
): LayerBlob {
  const chain = chainOf({ records, times }, snapshots.parent(snapshot), descriptor.digest);
  const layer: SnapshotLayer = { descriptor, diffId: descriptor.digest, ...(chain && { chainId: chain }) };
  records.setLayer(recordName(snapshot, times), layer);
  // Under this name the image that gets the layer finds its tree with no unpacking.
  if (chain !== undefined) {
    snapshots.alias(snapshot, chain);
    if (records.findLayer(chain) === undefined) records.setLayer(chain, layer);
  }
  return { descriptor, diffId: descriptor.digest };
}

/** Undefined when a layer further down has not been committed. */
function chainOf(
  { records, times }: { readonly records: Records; readonly times: LayerTimes | undefined },
  parent: SnapshotName | undefined,
  diffId: Digest,
): Digest | undefined {
  if (parent === undefined) return chainId([diffId]);
  const below = (records.findLayer(recordName(parent, times)) ?? records.findLayer(parent))?.chainId;
  return below === undefined ? undefined : digestOf(`${below} ${diffId}`);
}
