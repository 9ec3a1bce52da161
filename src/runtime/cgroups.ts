import { readdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";

const root = "/sys/fs/cgroup";

/** Removes the cgroups of a container that a killed runtime left behind. What is still in use stays. */
export function removeCgroups(id: string): void {
  const controllers = list(root).map((name) => join(root, name));
  for (const hierarchy of [root, ...controllers]) removeEmpty(join(hierarchy, "lighter", id));
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
