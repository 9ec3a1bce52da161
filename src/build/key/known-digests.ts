import { lstatSync, readFileSync, statfsSync } from "node:fs";
import type { Entry } from "../tree/tree.ts";
import { markUsed } from "../upkeep/last-use.ts";
import { writeRecord } from "../upkeep/write-record.ts";

/** What a selector took of a directory, told by one number. */
export interface KnownDigest {
  readonly digest: string;
  /** The times of the files in whole seconds, each once. */
  readonly seconds: readonly number[];
  /** How many entries there are. */
  readonly count: number;
}

export interface SelectedEntry {
  readonly path: string;
  readonly entry: Entry;
  /** A directory of which only this much counts that it is still the same one: what else lies in it is not selected. */
  readonly isPassed?: boolean;
}

const magic = "lighter selection 2";
const numbersPerRow = 5;
/** As in the stat index: kernels stamp files with the time of the last timer tick. */
const clockGranularityMs = 20;

/** ext, xfs, btrfs, tmpfs, overlay, f2fs, zfs, bcachefs. */
const honestFilesystems: ReadonlySet<number> = new Set([
  0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0xf2f52010, 0x2fc12fc1, 0xca451a4e,
]);

/**
 * Whether a directory lies on a filesystem that gives a directory a new time whenever a name in it comes or goes. Network
 * filesystems and FUSE may not.
 */
export function tellsOfNames(root: string): boolean {
  try {
    return honestFilesystems.has(statfsSync(root).type >>> 0);
  } catch {
    return false; // whoever reads the directory says what is wrong with it
  }
}

/**
 * The digest of a selection, when every file and directory of it is in the state in which it was when the digest was made.
 * A directory that nothing was added to or taken from has the times that it had, so nothing is listed and no ignore file is
 * asked: one lstat an entry, and nothing is kept of it.
 */
export function findKnownDigest(file: string, root: string): KnownDigest | undefined {
  const known = load(file);
  if (known === undefined) return undefined;
  const { paths, numbers, ...digest } = known;
  const isAsBefore = paths.every((path, place) => isSame(root, path, numbers, place * numbersPerRow));
  return isAsBefore ? digest : undefined;
}

function isSame(root: string, path: string, numbers: Float64Array, at: number): boolean {
  // The root itself may be given as a link.
  const stats = lstatSync(path === "" ? `${root}/.` : `${root}/${path}`, { throwIfNoEntry: false });
  if (stats === undefined || stats.ino !== numbers[at + 1] || stats.dev !== numbers[at]) return false;
  if (numbers[at + 4] === passed) return stats.isDirectory();
  return (
    stats.ctimeMs === numbers[at + 4] && stats.mtimeMs === numbers[at + 3] && stats.size === numbers[at + 2]
  );
}

const passed = -1;

/**
 * Keeps a digest. Nothing is kept when an entry changed so shortly before `lookedMs`, when the first of them was looked at,
 * that a further change would not show in its times.
 */
export function keepDigest(
  file: string,
  selection: readonly SelectedEntry[],
  known: Omit<KnownDigest, "count"> & { readonly lookedMs: number },
): void {
  const numbers = new Float64Array(selection.length * numbersPerRow);
  for (const [place, { entry, isPassed }] of selection.entries()) {
    const { dev, ino, sizeBytes, mtimeMs, ctimeMs } = entry;
    // Another filesystem is mounted there, of which nobody has asked whether it can be trusted.
    if (dev !== selection[0]?.entry.dev) return;
    const isRacy = Math.max(mtimeMs, ctimeMs) + clockGranularityMs >= known.lookedMs;
    if (isRacy && isPassed !== true) return;
    numbers.set([dev, ino, sizeBytes, mtimeMs, isPassed === true ? passed : ctimeMs], place * numbersPerRow);
  }
  const paths = Buffer.from(selection.map(({ path }) => path).join("\0"));
  const { digest, seconds } = known;
  const count = selection.filter(({ isPassed }) => isPassed !== true).length;
  const head = { magic, rows: selection.length, pathBytes: paths.length, digest, seconds, count };
  writeRecord(
    file,
    Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), Buffer.from(numbers.buffer), paths]),
  );
}

interface Loaded extends KnownDigest {
  readonly paths: readonly string[];
  readonly numbers: Float64Array;
}

function load(file: string): Loaded | undefined {
  try {
    markUsed(file);
    return parse(readFileSync(file));
  } catch {
    return undefined; // absent or damaged: everything is looked at again
  }
}

function parse(bytes: Buffer): Loaded | undefined {
  const end = bytes.indexOf("\n");
  const head: unknown = JSON.parse(bytes.toString("utf8", 0, end));
  if (!isHead(head)) return undefined;
  const { rows, pathBytes, digest, seconds, count } = head;
  const pathsAt = end + 1 + rows * numbersPerRow * 8;
  if (rows === 0 || bytes.length !== pathsAt + pathBytes) return undefined;
  const start = bytes.byteOffset + end + 1;
  const numbers = new Float64Array(bytes.buffer.slice(start, bytes.byteOffset + pathsAt));
  const paths = bytes.toString("utf8", pathsAt).split("\0");
  return paths.length === rows ? { digest, seconds, count, paths, numbers } : undefined;
}

function isHead(value: unknown): value is KnownDigest & { rows: number; pathBytes: number } {
  return (
    typeof value === "object" &&
    value !== null &&
    "magic" in value &&
    value.magic === magic &&
    "seconds" in value &&
    Array.isArray(value.seconds)
  );
}
