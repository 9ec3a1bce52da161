import type { Stats } from "node:fs";

/**
 * A directory tree that can be read without being mounted: a build context in place, or the layers of a snapshot.
 * Paths are clean, relative and without a leading slash; the root is the empty string. No method follows links.
 */
export interface Tree {
  /** The entry at `path`, or undefined; a path below a link or a file is absent. */
  find(path: string): Entry | undefined;
  /** Names in the directory at `path`, sorted by code unit; empty when it is no directory. */
  list(path: string): readonly string[];
  /** What keeps a path out of the tree that is there on disk. */
  whyAbsent?(path: string): string | undefined;
}

export type EntryKind =
  | "file"
  | "directory"
  | "symlink"
  | "characterDevice"
  | "blockDevice"
  | "fifo"
  | "socket";

/** One file of a tree, with what lstat says about it. */
export interface Entry extends FileStatus {
  readonly kind: EntryKind;
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Where the bytes lie on this machine. Open it with O_NOFOLLOW. */
  readonly location: string;
}

/**
 * What tells one state of a file from another. Trees hold one of these per file and not a whole `Stats`, which takes
 * four times the memory.
 */
export interface FileStatus {
  readonly dev: number;
  readonly ino: number;
  readonly nlink: number;
  readonly rdev: number;
  readonly sizeBytes: number;
  // A double keeps these to 244 ns, which no two writes of one file share.
  readonly mtimeMs: number;
  readonly ctimeMs: number;
}

/** The entry that `stats` describes. `owner` replaces the owner that the filesystem has. */
export function entryOf(
  location: string,
  stats: Stats,
  owner?: { readonly uid: number; readonly gid: number },
): Entry {
  return {
    kind: kindOf(stats),
    mode: stats.mode & 0o7777,
    uid: owner?.uid ?? stats.uid,
    gid: owner?.gid ?? stats.gid,
    location,
    dev: stats.dev,
    ino: stats.ino,
    nlink: stats.nlink,
    rdev: stats.rdev,
    sizeBytes: stats.size,
    mtimeMs: stats.mtimeMs,
    ctimeMs: stats.ctimeMs,
  };
}

function kindOf(stats: Stats): EntryKind {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "directory";
  if (stats.isSymbolicLink()) return "symlink";
  if (stats.isCharacterDevice()) return "characterDevice";
  if (stats.isBlockDevice()) return "blockDevice";
  return stats.isFIFO() ? "fifo" : "socket";
}

/** `path` as trees want it: no leading slash, no empty, `.` or `..` parts (`..` stops at the root). */
export function cleanPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.join("/");
}

/** `name` below `directory`, where either may be empty. */
export function joinPath(directory: string, name: string): string {
  if (directory === "" || name === "") return directory + name;
  return `${directory}/${name}`;
}

/** Everything before the last slash. */
export function parentPath(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "" : path.slice(0, slash);
}

/** Everything after the last slash. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
