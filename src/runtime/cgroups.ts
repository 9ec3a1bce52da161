import { readdirSync, readFileSync, rmdirSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { systemErrorCode } from "#base";
import type { Host } from "#host";
import { defaultCgroupParent } from "./spec-defaults.ts";

const root = "/sys/fs/cgroup";
const TMPFS_MAGIC = 0x01021994;
const rounds = 100;
const roundMs = 10;

/**
 * Kills what is left in the cgroups of a container and removes them, as far as a killed runtime left them behind.
 * @returns false when something in them does not end within a second
 */
export async function removeCgroups(
  host: Pick<Host, "processes">,
  id: string,
  cgroupPath = `${defaultCgroupParent}/${id}`,
): Promise<boolean> {
  removeStandIn(id, cgroupPath);
  const hierarchies = [root, ...list(root).map((name) => join(root, name))];
  let left = hierarchies.map((hierarchy) => join(hierarchy, cgroupPath));
  for (let round = 0; round < rounds; round += 1) {
    left = left.filter((path) => !removeEmpty(path));
    if (left.length === 0) return true;
    for (const pid of left.flatMap(listMembers)) host.processes.signal(pid, "SIGKILL");
    await delay(roundMs);
  }
  return false;
}

/**
 * Removes what crun writes to the plain directory that stands in for the v2 hierarchy of a hybrid host in our mount
 * namespace: it takes it for a cgroup, which would go away with rmdir.
 */
export function removeStandIn(id: string, cgroupPath = `${defaultCgroupParent}/${id}`): void {
  const hidden = join(root, "unified");
  if (isTmpfs(hidden)) rmSync(join(hidden, cgroupPath), { recursive: true, force: true });
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

/** @returns whether the cgroup is gone */
function removeEmpty(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch (error) {
    return systemErrorCode(error) !== "EBUSY";
  }
}

function listMembers(path: string): readonly number[] {
  try {
    const text = readFileSync(join(path, "cgroup.procs"), "latin1");
    // 0 stands for a process of a pid namespace that this one cannot see; kill(0) would be our own group.
    return text
      .split("\n")
      .map(Number)
      .filter((pid) => pid > 0);
  } catch {
    return [];
  }
}
