import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statfsSync,
  write,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { systemErrorCode } from "#base";
import type { Host } from "#host";
import { defaultCgroupParent } from "./spec-defaults.ts";

const root = "/sys/fs/cgroup";
const v2 = "0::";
const TMPFS_MAGIC = 0x01021994;
const patienceMs = 10_000;
const roundMs = 10;
const renewalMs = 5;
const mostRenewals = 10;

/**
 * Moving a process into a cgroup makes the kernel wait for a grace period of 8 to 12 ms, unless another one was moved in
 * the 10 ms before. Here this process is moved to where it is, on another thread, so that the wait is over when a runtime
 * that is about to be started moves its container. Without effect where that is not allowed.
 */
export function hastenCgroupMove(): void {
  const path = ownCgroup();
  if (path === undefined) return;
  let fd: number;
  try {
    fd = openSync(join(path, "cgroup.procs"), "r+");
  } catch {
    return;
  }
  write(fd, "0", () => closeSync(fd));
}

/**
 * The same now and again until it is disposed, for a runtime that is being started: for so long the kernel does not go back to
 * where the next move would wait.
 */
export function keepCgroupMoveQuick(): Disposable {
  let left = mostRenewals;
  const renewing = setInterval(() => {
    left -= 1;
    if (left === 0) clearInterval(renewing);
    hastenCgroupMove();
  }, renewalMs).unref();
  hastenCgroupMove();
  return { [Symbol.dispose]: () => clearInterval(renewing) };
}

/** In a hierarchy with controllers; undefined where only the host sees it. */
function ownCgroup(): string | undefined {
  const lines = readFileSync("/proc/self/cgroup", "latin1").trim().split("\n");
  const [first = v2] = lines;
  if (first.startsWith(v2)) return join(root, first.slice(v2.length));
  const line = lines.find((text) => /^\d+:[a-z]+:/.test(text));
  const [, controller = "", path = ""] = line?.split(":") ?? [];
  return line === undefined ? undefined : join(root, controller, path);
}

/**
 * Kills what is left in the cgroups of a container and removes them, as far as a killed runtime left them behind.
 * @returns false when something in them does not end, for which it has ten seconds: a busy machine takes its time
 */
export async function removeCgroups(
  host: Pick<Host, "processes">,
  id: string,
  cgroupPath = `${defaultCgroupParent}/${id}`,
): Promise<boolean> {
  removeStandIn(id, cgroupPath);
  const hierarchies = [root, ...list(root).map((name) => join(root, name))];
  let left = hierarchies.map((hierarchy) => join(hierarchy, cgroupPath));
  for (const deadline = Date.now() + patienceMs; ; ) {
    left = left.filter((path) => !removeEmpty(path));
    if (left.length === 0) return true;
    if (Date.now() > deadline) return false;
    for (const path of left) killMembers(host, path);
    await delay(roundMs);
  }
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

/** By the kernel itself where it can (v2): a number that was read a moment ago may be another process's. */
function killMembers({ processes }: Pick<Host, "processes">, path: string): void {
  try {
    writeFileSync(join(path, "cgroup.kill"), "1", { flag: "r+" });
  } catch {
    for (const pid of listMembers(path)) processes.killMeant(pid, () => listMembers(path).includes(pid));
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
