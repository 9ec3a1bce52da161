import { join } from "node:path";
import { LighterError } from "#base";
import type { OverlayMount } from "#host";
import type { Image } from "#image";
import type { SnapshotName } from "#snapshot";
import { type ContainerRecord, isLive } from "./container-record.ts";
import { holdContainer, releaseContainer } from "./control-container.ts";
import type { Parts } from "./parts.ts";

/**
 * Does something with a container's files. A running one stands still meanwhile, so that nothing in it can swap a file for a
 * link between a look and a use (CVE-2018-15664); one that does not run is mounted for the time, its volumes as well.
 * @param root a path whose tree is the container's; links in it must be resolved with `host.files.openInRoot`
 */
export async function withRoot<T>(
  parts: Parts,
  record: ContainerRecord,
  task: (root: string) => Promise<T>,
): Promise<T> {
  parts.host.mounts.enterPrivateNamespace();
  if (!isLive(record.state) || record.state.pid === 0)
    return await withMountedRoot(parts, record, "own", async (root) => {
      const { mountVolumes } = await import("./mounted-volumes.ts");
      await mountVolumes(parts, record, root);
      return await task(root);
    });
  const mustPause = record.state.status === "running";
  if (mustPause) await holdContainer(parts, record);
  try {
    return await task(`/proc/${record.state.pid}/root`);
  } finally {
    if (mustPause) await releaseContainer(parts, parts.store.get(record.id));
  }
}

/** The root without volumes: `view` is read-only and may be taken of a container that runs. */
export async function withMountedRoot<T>(
  parts: Parts,
  record: ContainerRecord,
  kind: "own" | "view",
  task: (root: string) => Promise<T>,
): Promise<T> {
  const { store, snapshots } = parts;
  const lower = record.snapshot === undefined ? [] : snapshots.layers(record.snapshot as SnapshotName);
  const [upper, work] = [join(store.directory(record.id), "fs"), join(store.directory(record.id), "work")];
  return await mounted(parts, kind === "view" ? { lower: [upper, ...lower] } : { lower, upper, work }, task);
}

/** The tree of an image, read-only. */
export async function withImageRoot<T>(
  parts: Parts,
  image: Image,
  task: (root: string) => Promise<T>,
): Promise<T> {
  const snapshot = await parts.images.unpack(image);
  if (snapshot === undefined)
    throw new LighterError("CONTAINER_INVALID", "cannot look at the image: it has no layers and so no files");
  return await mounted(parts, { lower: parts.snapshots.layers(snapshot) }, task);
}

async function mounted<T>(
  { host, snapshots }: Parts,
  layers: Omit<OverlayMount, "target">,
  task: (root: string) => Promise<T>,
): Promise<T> {
  host.mounts.enterPrivateNamespace();
  // Never committed: a place to mount at, which the next sweep removes when this process dies.
  await using scratch = snapshots.prepare(undefined);
  using _mount = host.mounts.overlay({ target: scratch.work, ...layers });
  return await task(scratch.work);
}
