import { availableParallelism } from "node:os";
import { isLighterError, LighterError, type OnProgress } from "#base";
import { chainId, type Descriptor, type Digest, Digester, digestOf, type Manifest, shortId } from "#oci";
import { Extraction, LayoutDiffers, type SnapshotName } from "#snapshot";
import type { LayerParts } from "./commit-layer.ts";
import type { Image } from "./image-store.ts";
import { notItsDiffId, storedTar } from "./layer-tar.ts";
import { LayerThreads } from "./layer-threads.ts";
import { singleFlight } from "./single-flight.ts";

interface UnpackOptions {
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
  /** When a layer's blob is in the store. Without it all are. */
  readonly whenStored?: (layer: Descriptor) => Promise<void>;
}

/** As much of an image as its tree depends on. */
export interface Unpackable {
  readonly manifest: Pick<Image["manifest"], "layers">;
  readonly config: Pick<Image["config"], "rootfs">;
}

/** A smaller layer is laid out where the others are awaited: starting a thread takes longer. */
const apartBytes = 1 << 20;
const mostThreads = 4;

/** The image's tree when it is there already. */
export function findUnpacked(
  { snapshots }: Pick<LayerParts, "snapshots">,
  image: Pick<Unpackable, "config">,
): SnapshotName | undefined {
  const top = chainId(image.config.rootfs.diff_ids);
  return top === undefined ? undefined : snapshots.find(top);
}

/**
 * See `ImageStore.unpack`. Layers are laid out at the same time, in threads, each as soon as its blob is there; one that
 * depends on those below waits for them when it comes to that.
 */
export async function unpackImage(
  parts: LayerParts,
  image: Unpackable,
  options: UnpackOptions = {},
): Promise<SnapshotName | undefined> {
  const found = findUnpacked(parts, image);
  if (found !== undefined) return found;
  const steps = stepsOf(image);
  const width = Math.max(1, Math.min(mostThreads, availableParallelism()));
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([stop.signal, options.signal]);
  await using threads = new LayerThreads();
  const work: Work = { parts, options, signal, threads };
  const trees: Promise<SnapshotName>[] = [];
  for (const [place, step] of steps.entries()) {
    // The lowest that is not done is always among those at work: whoever waits for it does so in vain never.
    const tree = layOutLayer(work, step, { below: trees[place - 1], turn: trees[place - width] });
    tree.catch(() => stop.abort());
    trees.push(tree);
  }
  // All have ended when this throws: nobody writes below a snapshot that was dropped.
  const ends = await Promise.allSettled(trees);
  const failures = ends.flatMap((end) => (end.status === "rejected" ? [end.reason as unknown] : []));
  if (failures.length > 0) throw failures.find((error) => !isCancelled(error)) ?? failures[0];
  return trees.at(-1);
}

function isCancelled(error: unknown): boolean {
  return isLighterError(error, "CANCELLED");
}

/** A layer, and the identity of the stack that it tops. */
interface LayerStep {
  readonly chain: Digest;
  readonly diffId: Digest;
  readonly descriptor: Descriptor;
}

function stepsOf(image: Unpackable): readonly LayerStep[] {
  const diffIds = image.config.rootfs.diff_ids;
  checkLayerCount(image.manifest, diffIds);
  const steps: LayerStep[] = [];
  for (const [place, descriptor] of image.manifest.layers.entries()) {
    const diffId = diffIds[place];
    if (diffId === undefined) break;
    const below = steps.at(-1)?.chain;
    steps.push({ chain: below === undefined ? diffId : digestOf(`${below} ${diffId}`), diffId, descriptor });
  }
  return steps;
}

interface Work {
  readonly parts: LayerParts;
  readonly options: UnpackOptions;
  /** Ends the other layers when one has failed, or all of them. */
  readonly signal: AbortSignal;
  readonly threads: LayerThreads;
}

interface Neighbours {
  readonly below: Promise<SnapshotName> | undefined;
  /** When it is this layer's turn: only so many are at work at once. */
  readonly turn: Promise<SnapshotName> | undefined;
}

/** Lays one layer out on those below, once, whoever else does the same. @throws DIGEST_MISMATCH */
async function layOutLayer(work: Work, step: LayerStep, { below, turn }: Neighbours): Promise<SnapshotName> {
  const { parts, options, signal } = work;
  await options.whenStored?.(step.descriptor);
  await turn;
  const early = parts.snapshots.find(step.chain);
  if (early !== undefined) return early;
  await using _turn = await singleFlight(parts, `unpack ${step.chain}`, signal);
  const found = parts.snapshots.find(step.chain);
  if (found !== undefined) return found;
  try {
    return await layOutOnce(work, step, below);
  } catch (error) {
    if (isCancelled(error)) throw error;
    // A blob that went bad on the disk is the news then, and is set aside.
    for (const _ of parts.content.readChunks(step.descriptor.digest));
    throw error;
  }
}

async function layOutOnce(
  work: Work,
  step: LayerStep,
  below: Promise<SnapshotName> | undefined,
): Promise<SnapshotName> {
  if (step.descriptor.size >= apartBytes) {
    try {
      return await layOutApart(work, step, below);
    } catch (error) {
      // What is wrong with an archive shows for certain only on the layers that it was made for.
      const isUncertain = isLighterError(error, "ARCHIVE_INVALID", "ARCHIVE_HOSTILE");
      if (!isUncertain && !(error instanceof LayoutDiffers)) throw error;
    }
  }
  return await layOutOn(work, step, await below);
}

/** In a thread, before the layers below are there. */
async function layOutApart(
  { parts, options, signal, threads }: Work,
  step: LayerStep,
  below: Promise<SnapshotName> | undefined,
): Promise<SnapshotName> {
  const { descriptor, diffId } = step;
  const report = progressOf(descriptor, options.onProgress);
  const lower = (below ?? Promise.resolve(undefined)).then((name) =>
    name === undefined ? [] : parts.snapshots.layers(name),
  );
  await using active = parts.snapshots.prepare(undefined);
  const { tarBytes, fileBytes } = await threads.run(
    { path: parts.content.path(descriptor.digest), descriptor, diffId, root: active.upper },
    { lower, signal, onBytes: (current) => report(current, false) },
  );
  report(tarBytes, true);
  const parent = await below;
  noteLayer(parts, step, fileBytes);
  return parts.snapshots.commit(active, step.chain, parent);
}

/** Here, on layers that are there. */
async function layOutOn(
  { parts, options, signal }: Work,
  step: LayerStep,
  parent: SnapshotName | undefined,
): Promise<SnapshotName> {
  const report = progressOf(step.descriptor, options.onProgress);
  await using active = parts.snapshots.prepare(parent);
  using extraction = new Extraction({
    host: parts.host,
    root: active.upper,
    lower: active.lower,
    whiteouts: "overlay",
  });
  const digester = new Digester();
  for await (const chunk of storedTar(parts, step.descriptor)) {
    if (signal.aborted) throw new LighterError("CANCELLED", "cannot unpack the image: cancelled");
    digester.update(chunk);
    extraction.write(chunk);
    report(digester.sizeBytes, false);
  }
  if (digester.digest() !== step.diffId) throw notItsDiffId(step.descriptor, step.diffId);
  const { fileBytes } = extraction.finish();
  report(digester.sizeBytes, true);
  noteLayer(parts, step, fileBytes);
  return parts.snapshots.commit(active, step.chain);
}

function noteLayer({ records }: LayerParts, step: LayerStep, fileBytes: number): void {
  const { descriptor, diffId, chain } = step;
  records.setFileBytes(descriptor.digest, fileBytes);
  records.setLayer(chain, { descriptor, diffId, chainId: chain, isUnpacked: true });
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
