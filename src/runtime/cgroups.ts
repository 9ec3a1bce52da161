import { readdirSync, rmdirSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";

const root = "/sys/fs/cgroup";
const TMPFS_MAGIC = 0x01021994;

/** Removes the cgroups of a container that a killed runtime left behind. What is still in use stays. */
export function removeCgroups(id: string): void {
  const controllers = list(root).map((name) => join(root, name));
  for (const hierarchy of [root, ...controllers]) removeEmpty(join(hierarchy, "lighter", id));
  removeStandIn(id);
}

/**
 * Removes what crun writes to the plain directory that stands in for the v2 hierarchy of a hybrid host in our mount
 * namespace: it takes it for a cgroup, which would go away with rmdir.
 */
export function removeStandIn(id: string): void {
  const hidden = join(root, "unified");
  if (isTmpfs(hidden)) rmSync(join(hidden, "lighter", id), { recursive: true, force: true });
}

function isTmpfs(path: string): boolean {
  try {
    return statfsSync(path).type === TMPFS_MAGIC;
  } catch {
    return false;
  }
}

function list(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function removeEmpty(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // Absent (the common case), or a process is still in it and a later sweep gets it.
  }
}
