import { createHash } from "node:crypto";
import { lstatSync, readFileSync, type Stats, statfsSync } from "node:fs";
import { systemErrorCode } from "#base";
import type { Entry, Tree } from "../tree/tree.ts";
import { markUsed } from "../upkeep/last-use.ts";
import { writeRecord } from "../upkeep/write-record.ts";
import { ChangedText, type SumOf } from "./selection-digest.ts";

/** What a selector took of a directory, told by one number. */
export interface KnownDigest {
  readonly digest: string;
  /** The times of the files in whole seconds, each once. */
  readonly seconds: readonly number[];
  /** How many entries there are. */
  readonly count: number;
}

/** A digest that was kept, or was worked out from one that was. */
export interface FoundDigest extends KnownDigest {
  /** Whether the digest is kept for the next build. */
  readonly isKept: boolean;
  readonly change?: SelectionChange;
}

/** What a selection has changed since its digest was kept. */
export interface SelectionChange {
  readonly before: string;
  readonly files: readonly SelectedEntry[];
  /** With the same names in them, description and attributes: a file was put in place of another. */
  readonly directories: readonly SelectedEntry[];
  /** All that is selected. */
  readonly paths: readonly string[];
}

export interface SelectedEntry {
  readonly path: string;
  readonly entry: Entry;
  /** A directory of which only this much counts that it is still the same one: what else lies in it is not selected. */
  readonly isPassed?: boolean;
}

const magic = "lighter selection 3";
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

/** More are not looked at one by one. */
const mostChanged = 100;

/**
 * The digest of a selection, when every file and directory of it is in the state in which it was when the digest was made.
 * A directory that nothing was added to or taken from has the times that it had, so nothing is listed and no ignore file is
 * asked: one lstat an entry, and nothing is kept of it. When a few files have changed, only they are read.
 */
export function findKnownDigest(file: string, context: ChangedContext): FoundDigest | undefined {
  const known = load(file);
  if (known === undefined) return undefined;
  const { paths, numbers, digest, seconds, count } = known;
  const differing: number[] = [];
  for (const [place, path] of paths.entries()) {
    if (isSame(context.root, path, numbers, place * numbersPerRow)) continue;
    if (differing.push(place) > mostChanged) return undefined;
  }
  if (differing.length === 0) return { digest, seconds, count, isKept: true };
  return new ChangedSelection(known, context).find(file, differing);
}

/** What is asked about entries that changed. */
export interface ChangedContext {
  readonly root: string;
  readonly tree: Tree;
  readonly sumOf: SumOf;
  /** When the first of them was looked at, at the earliest. */
  readonly openedMs: number;
}

/** A known selection of one source of which some entries are not as they were. */
class ChangedSelection {
  readonly #known: Loaded;
  readonly #context: ChangedContext;
  readonly #text: ChangedText;

  constructor(known: Loaded, context: ChangedContext) {
    this.#known = known;
    this.#context = context;
    this.#text = new ChangedText(known.text);
  }

  /** Undefined when more has changed than content, modes and times of files. */
  find(file: string, differing: readonly number[]): FoundDigest | undefined {
    const { text, source, digest: before, count, numbers } = this.#known;
    if (source === undefined || digestOf(text) !== before) return undefined;
    const files: SelectedEntry[] = [];
    const directories: SelectedEntry[] = [];
    for (const place of differing) {
      const path = this.#known.paths[place] ?? "";
      const entry = this.#context.tree.find(path);
      if (entry === undefined || entry.dev !== numbers[0]) return undefined;
      const isKnown =
        entry.kind === "directory" ? this.#isSameDirectory(path, entry) : this.#isFile(path, entry);
      if (!isKnown) return undefined;
      (entry.kind === "directory" ? directories : files).push({ path, entry });
      setRow(numbers, place, entry);
    }
    const { text: now, digest } = this.#text.end();
    const seconds = [...new Set(this.#seconds())];
    const isKept = [...files, ...directories].every(({ entry }) => !isRacy(entry, this.#context.openedMs));
    if (isKept) write(file, { ...this.#known, digest, seconds, text: now });
    return {
      digest,
      seconds,
      count,
      isKept,
      change: { before, files, directories, paths: this.#known.paths },
    };
  }

  #isFile(path: string, entry: Entry): boolean {
    if (entry.kind !== "file" || entry.nlink !== 1) return false;
    return this.#text.replaceFile(this.#below(path), entry, this.#context.sumOf(path, entry));
  }

  #isSameDirectory(path: string, entry: Entry): boolean {
    const sum = this.#context.sumOf(path, entry);
    if (!this.#text.hasDirectory(this.#below(path), entry, sum)) return false;
    const prefix = path === "" ? "" : `${path}/`;
    const names = this.#known.paths.flatMap((other) =>
      other.length > prefix.length && other.startsWith(prefix) && !other.includes("/", prefix.length)
        ? [other.slice(prefix.length)]
        : [],
    );
    const now = this.#context.tree.list(path);
    return names.length === now.length && now.every((name, at) => name === names[at]);
  }

  /** Empty for the source itself. */
  #below(path: string): string {
    const { source = "" } = this.#known;
    return source === "" ? path : path.slice(source.length + 1);
  }

  *#seconds(): Generator<number, void, undefined> {
    const { numbers } = this.#known;
    for (let at = 0; at < numbers.length; at += numbersPerRow)
      if (numbers[at + 4] !== passed) yield Math.floor((numbers[at + 3] ?? 0) / 1000);
  }
}

function digestOf(text: Uint8Array): string {
  return createHash("sha256").update(text).digest("hex");
}

function isSame(root: string, path: string, numbers: Float64Array, at: number): boolean {
  // The root itself may be given as a link.
  const stats = look(path === "" ? `${root}/.` : `${root}/${path}`);
  if (stats === undefined || stats.ino !== numbers[at + 1] || stats.dev !== numbers[at]) return false;
  if (numbers[at + 4] === passed) return stats.isDirectory();
  return (
    stats.ctimeMs === numbers[at + 4] && stats.mtimeMs === numbers[at + 3] && stats.size === numbers[at + 2]
  );
}

/** Undefined when it is not there, or a directory on the way no longer is one. */
function look(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (systemErrorCode(error) !== "ENOTDIR") throw error;
    return undefined;
  }
}

const passed = -1;

/**
 * Keeps a digest. Nothing is kept when an entry changed so shortly before `lookedMs`, when the first of them was looked at,
 * that a further change would not show in its times.
 */
export function keepDigest(
  file: string,
  selection: readonly SelectedEntry[],
  known: Omit<KnownDigest, "count"> & {
    readonly lookedMs: number;
    /** What the digest was made of, when the selection has one source; not kept with names that it does not set off. */
    readonly text?: readonly Buffer[];
    /** The path of that source. */
    readonly source?: string;
  },
): boolean {
  const numbers = new Float64Array(selection.length * numbersPerRow);
  for (const [place, { entry, isPassed }] of selection.entries()) {
    // Another filesystem is mounted there, of which nobody has asked whether it can be trusted.
    if (entry.dev !== selection[0]?.entry.dev) return false;
    if (isRacy(entry, known.lookedMs) && isPassed !== true) return false;
    setRow(numbers, place, entry, isPassed);
  }
  const paths = selection.map(({ path }) => path);
  const { digest, seconds, text = [], source } = known;
  const count = selection.filter(({ isPassed }) => isPassed !== true).length;
  const isPlain = paths.every((path) => !path.includes("\n"));
  const kept = isPlain && source !== undefined ? { source, text: Buffer.concat(text) } : { text: noText };
  write(file, { digest, seconds, count, paths, numbers, ...kept });
  return true;
}

const noText = Buffer.alloc(0);

function isRacy({ mtimeMs, ctimeMs }: Entry, lookedMs: number): boolean {
  return Math.max(mtimeMs, ctimeMs) + clockGranularityMs >= lookedMs;
}

function setRow(
  numbers: Float64Array,
  place: number,
  { dev, ino, sizeBytes, mtimeMs, ctimeMs }: Entry,
  isPassed = false,
): void {
  numbers.set([dev, ino, sizeBytes, mtimeMs, isPassed ? passed : ctimeMs], place * numbersPerRow);
}

interface Loaded extends KnownDigest {
  readonly paths: readonly string[];
  readonly numbers: Float64Array;
  /** What the digest was made of; empty when that was not kept. */
  readonly text: Buffer;
  readonly source?: string | undefined;
}

function write(file: string, { paths, numbers, text, ...known }: Loaded): void {
  const pathBytes = Buffer.from(paths.join("\0"));
  const head = { magic, rows: paths.length, pathBytes: pathBytes.length, textBytes: text.length, ...known };
  const { buffer, byteOffset, byteLength } = numbers;
  writeRecord(
    file,
    Buffer.concat([
      Buffer.from(`${JSON.stringify(head)}\n`),
      Buffer.from(buffer, byteOffset, byteLength),
      pathBytes,
      text,
    ]),
  );
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
  const { rows, pathBytes, textBytes, digest, seconds, count, source } = head;
  const pathsAt = end + 1 + rows * numbersPerRow * 8;
  const textAt = pathsAt + pathBytes;
  if (rows === 0 || bytes.length !== textAt + textBytes) return undefined;
  const start = bytes.byteOffset + end + 1;
  const numbers = new Float64Array(bytes.buffer.slice(start, bytes.byteOffset + pathsAt));
  const paths = bytes.toString("utf8", pathsAt, textAt).split("\0");
  const text = bytes.subarray(textAt);
  return paths.length === rows ? { digest, seconds, count, paths, numbers, text, source } : undefined;
}

interface Head extends KnownDigest {
  readonly rows: number;
  readonly pathBytes: number;
  readonly textBytes: number;
  readonly source?: string;
}

function isHead(value: unknown): value is Head {
  return (
    typeof value === "object" &&
    value !== null &&
    "magic" in value &&
    value.magic === magic &&
    "seconds" in value &&
    Array.isArray(value.seconds)
  );
}
