import { type Dirent, lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { isPackageManager, isShell } from "./known-programs.ts";

/** What lies in the tree of an image. Paths are absolute inside the image and sorted. */
export interface Contents {
  readonly files: number;
  readonly directories: number;
  readonly links: number;
  /** Devices, pipes and sockets. */
  readonly others: number;
  /** Bytes of all files; one with several hard links counts once. */
  readonly sizeBytes: number;
  /** Files that may be executed. */
  readonly executables: number;
  /** Programs that run commands somebody types: what an intruder looks for first. */
  readonly shells: readonly string[];
  /** Programs that bring in more programs. */
  readonly packageManagers: readonly string[];
  /** Programs that run with the rights of their owner or group. */
  readonly setuid: readonly string[];
}

/** The contents of an image with no layer. */
export const emptyContents: Contents = Object.freeze({
  files: 0,
  directories: 0,
  links: 0,
  others: 0,
  sizeBytes: 0,
  executables: 0,
  shells: [],
  packageManagers: [],
  setuid: [],
});

/**
 * Counts and names what lies below `root`, a directory where an image is mounted or unpacked. Follows no link: an image
 * is hostile input. The root itself is not counted.
 */
export function inspectTree(root: string): Contents {
  const tally = newTally();
  const folders = ["/"];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) folders.push(path);
      count(tally, root, path, entry);
    }
  }
  const { seen: _seen, ...contents } = tally;
  for (const list of [contents.shells, contents.packageManagers, contents.setuid]) list.sort();
  return contents;
}

interface Tally {
  files: number;
  directories: number;
  links: number;
  others: number;
  sizeBytes: number;
  executables: number;
  readonly shells: string[];
  readonly packageManagers: string[];
  readonly setuid: string[];
  /** Inodes with several links that were counted. */
  readonly seen: Set<string>;
}

function newTally(): Tally {
  return {
    files: 0,
    directories: 0,
    links: 0,
    others: 0,
    sizeBytes: 0,
    executables: 0,
    shells: [],
    packageManagers: [],
    setuid: [],
    seen: new Set(),
  };
}

function count(tally: Tally, root: string, path: string, entry: Dirent): void {
  if (entry.isDirectory()) tally.directories += 1;
  else if (entry.isSymbolicLink()) {
    tally.links += 1;
    nameProgram(tally, path);
  } else if (entry.isFile()) {
    tally.files += 1;
    countFile(tally, root, path);
  } else tally.others += 1;
}

function countFile(tally: Tally, root: string, path: string): void {
  const { mode, size, nlink, dev, ino } = lstatSync(join(root, path));
  const inode = `${dev}:${ino}`;
  if (nlink === 1 || !tally.seen.has(inode)) tally.sizeBytes += size;
  if (nlink > 1) tally.seen.add(inode);
  if ((mode & 0o111) === 0) return;
  tally.executables += 1;
  nameProgram(tally, path);
  if ((mode & 0o6000) !== 0) tally.setuid.push(path);
}

// A link counts by its own name: /bin/sh is how a shell is called, whatever it points to.
function nameProgram(tally: Tally, path: string): void {
  if (isShell(path)) tally.shells.push(path);
  if (isPackageManager(path)) tally.packageManagers.push(path);
}
