import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const settleMs = 30_000;
const pollMs = 20;

/**
 * What a store's processes left in the kernel and on disk although none of them lives: one line each, empty when clean. The
 * kernel takes its time to remove a bridge, so a command leaves that to a process which outlives it by some tens of
 * milliseconds, by seconds where the machine is busy: what is gone within the time below was not left.
 * @param isKnown what the test itself put there
 * @param sweep a command that removes what the dead left: a child which was just forked when its parent was killed dies after it,
 * and what it held is found by the command after next
 */
export function leftovers(
  root: string,
  isKnown: (line: string) => boolean = () => false,
  sweep: () => void = () => {},
): readonly string[] {
  const deadline = Date.now() + settleMs;
  for (;;) {
    const found = look(root).filter((line) => !isKnown(line));
    if (found.length === 0 || Date.now() > deadline) return found;
    sweep();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pollMs);
  }
}

function look(root: string): readonly string[] {
  return [
    ...mounts(root),
    ...processes(root),
    ...ingests(root),
    ...bundles(root),
    ...links(root),
    ...tables(root),
  ];
}

/** Interfaces carry the store's name as their alias. */
function links(root: string): readonly string[] {
  return list("/sys/class/net")
    .filter((name) => read(`/sys/class/net/${name}/ifalias`).includes(root))
    .map((name) => `link ${name}`);
}

/** The firewall's table carries it in its comment. */
function tables(root: string): readonly string[] {
  const { stdout } = spawnSync("nft", ["list", "ruleset"], { encoding: "utf8" });
  return stdout?.includes(root) ? [`firewall table of ${root}`] : [];
}

function mounts(root: string): readonly string[] {
  return readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .filter((line) => line.includes(root))
    .map((line) => `mount ${line}`);
}

function processes(root: string): readonly string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      const line = read(`/proc/${pid}/cmdline`).replaceAll("\0", " ");
      return line.includes(root) ? [`process ${pid} ${line}`] : [];
    });
}

function ingests(root: string): readonly string[] {
  return list(join(root, "ingest")).map((name) => `ingest ${name}`);
}

function bundles(root: string): readonly string[] {
  // `.crun` and `.runc` hold the runtime's own state and stay.
  const claims = list(join(root, "run"), true).filter((name) => !name.startsWith("."));
  return claims.map((name) => `run ${name}`);
}

function list(folder: string, foldersOnly = false): readonly string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.filter((entry) => !foldersOnly || entry.isDirectory()).map((entry) => entry.name);
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
