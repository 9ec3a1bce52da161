import { join } from "node:path";
import { isLighterError } from "#base";
import { chainId, type Descriptor, type Digest } from "#oci";
import type { LayerParts } from "./commit-layer.ts";
import { isIndex, readConfig, readManifest } from "./documents.ts";
import type { IndexEntry } from "./image-index.ts";
import type { Collected, Roots } from "./image-store.ts";
import { listDescriptors } from "./platform-choice.ts";

interface CollectParts extends LayerParts {
  readonly root: string;
  readonly roots: (() => Roots) | undefined;
}

/** Held shared by whoever stores things that nothing names yet, exclusively by who collects. */
export function collectLockPath(root: string): string {
  return join(root, "gc.lock");
}

/** See `ImageStore.collect`. Entries and roots are read under the lock: nobody adds to them while it is held. */
export function collectStore(
  parts: CollectParts,
  entries: () => readonly IndexEntry[],
): Collected | undefined {
  using lock = parts.host.locks.tryAcquire(collectLockPath(parts.root), "exclusive");
  if (lock === undefined) return undefined;
  const used = { blobs: new Set<Digest>(), snapshots: new Set<string>() };
  for (const { target } of entries()) markTarget(parts, target, used);
  const roots = parts.roots?.();
  const seen = new Set<string>();
  for (const digest of roots?.blobs ?? []) used.blobs.add(digest);
  for (const name of roots?.snapshots ?? []) {
    used.snapshots.add(name);
    markUnpacked(parts, name, { blobs: used.blobs, seen });
  }
  const snapshots = parts.snapshots.collect((name) => used.snapshots.has(name));
  const freedBytes = parts.content.collect((digest) => used.blobs.has(digest));
  parts.records.prune({
    snapshot: (name) => parts.snapshots.find(name) !== undefined,
    blob: (digest) => parts.content.has(digest),
  });
  return { freedBytes, snapshots };
}

/**
 * A tree that was unpacked cannot give its layers back with the same bytes, and one that is not complete gets its files from
 * one: whoever keeps it keeps them.
 */
function markUnpacked(
  { snapshots, records }: LayerParts,
  name: string,
  { blobs, seen }: { readonly blobs: Set<Digest>; readonly seen: Set<string> },
): void {
  for (let found = snapshots.find(name); found !== undefined; found = snapshots.parent(found)) {
    if (seen.has(found)) return;
    seen.add(found);
    const layer = records.findLayer(found);
    if (layer?.isUnpacked === true) blobs.add(layer.descriptor.digest);
    const deferred = snapshots.deferredLayer(found);
    if (deferred !== undefined) blobs.add(deferred);
  }
}

/** An index keeps itself and all that it names. */
function markTarget(
  parts: LayerParts,
  target: Descriptor,
  used: { blobs: Set<Digest>; snapshots: Set<string> },
): void {
  used.blobs.add(target.digest);
  try {
    for (const descriptor of listDescriptors(parts.content, target)) {
      used.blobs.add(descriptor.digest);
      if (!isIndex(descriptor)) markImage(parts, descriptor.digest, used);
    }
  } catch (error) {
    if (!isLighterError(error)) throw error;
  }
}

/** An image that cannot be read keeps what can be read of it. */
function markImage(
  parts: LayerParts,
  digest: Digest,
  used: { blobs: Set<Digest>; snapshots: Set<string> },
): void {
  used.blobs.add(digest);
  try {
    const manifest = readManifest(parts.content, digest);
    for (const { digest: part } of [manifest.config, ...manifest.layers]) used.blobs.add(part);
    const chain = chainId(readConfig(parts.content, manifest.config.digest).rootfs.diff_ids);
    if (chain !== undefined) used.snapshots.add(chain);
  } catch (error) {
    if (!isLighterError(error)) throw error;
  }
}
