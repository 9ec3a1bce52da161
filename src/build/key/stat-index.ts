import { linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { FileStatus } from "../tree/tree.ts";
import { markUsed } from "../upkeep/last-use.ts";
import { putInPlace } from "../upkeep/write-record.ts";

/**
 * What is known about the files of one directory from the last time their bytes were read: as git's index, a warm build
 * only compares lstat results.
 *
 * The file is a cache: it is written whole and renamed, without a lock or a flush, and a damaged one is an empty one.
 */
export class StatIndex {
  readonly #file: string;
  readonly #known: Known;
  /** What this build has read. */
  readonly #read = new Rows();
  /** Where that which holds for a path is: a place in `known`, or one less than zero in `read`. */
  readonly #seen = new Map<string, number>();
  readonly #racy = new Set<string>();
  readonly #changes = new Map<string, "changed" | "new">();
  readonly #absent = new Set<string>();
  #cursor = 0;
  #places: Map<string, number> | undefined;
  #isDirty = false;
  readonly #copies: string[] = [];

  private constructor(file: string, known: Known) {
    this.#file = file;
    this.#known = known;
  }

  static open(file: string): StatIndex {
    return new StatIndex(file, load(file));
  }

  /** The sum of the file, when nothing about it has changed since it was read. */
  find(path: string, status: FileStatus): string | undefined {
    const seen = this.#seen.get(path);
    if (seen !== undefined) return this.#findSame(seen, status);
    const place = this.#place(path);
    if (place === undefined) {
      if (this.#known.paths.length > 0) this.#absent.add(path);
      return undefined;
    }
    const sum = this.#findSame(place, status);
    if (sum !== undefined) this.#seen.set(path, place);
    return sum;
  }

  #findSame(place: number, status: FileStatus): string | undefined {
    const [rows, at] = this.#rowsAt(place);
    return rows.isSame(at, status) ? rows.sum(at) : undefined;
  }

  #rowsAt(place: number): readonly [rows: Rows, at: number] {
    return place < 0 ? [this.#read, -1 - place] : [this.#known.rows, place];
  }

  /**
   * Remembers what reading the file gave. A file whose status changed so shortly before it was read that a later write
   * would not show in its times is not remembered beyond this build (git calls such an entry racily clean).
   */
  set(
    path: string,
    read: { readonly status: FileStatus; readonly sum: string; readonly startedMs: number },
  ): void {
    const place = this.#place(path);
    if (place !== undefined && this.#known.rows.sum(place) !== read.sum) this.#changes.set(path, "changed");
    if (this.#absent.has(path)) this.#changes.set(path, "new");
    if (read.status.ctimeMs + clockGranularityMs >= read.startedMs) this.#racy.add(path);
    else this.#racy.delete(path);
    this.#seen.set(path, -1 - this.#read.add(read.status, read.sum));
    this.#isDirty = true;
  }

  /** Files that are new or differ from what the index knew. */
  get changes(): ReadonlyMap<string, "changed" | "new"> {
    return this.#changes;
  }

  /**
   * Has {@link StatIndex.save} keep the index, as it is then, under another name too: what a copy that was made in this
   * build was made of.
   */
  keepAs(file: string): void {
    this.#copies.push(file);
    this.#isDirty = true;
  }

  /** The sum that this build found for the file. */
  findSum(path: string): string | undefined {
    const place = this.#seen.get(path);
    if (place === undefined) return undefined;
    const [rows, at] = this.#rowsAt(place);
    return rows.sum(at);
  }

  /** The sums by path, whatever has become of the files. */
  sums(): ReadonlyMap<string, string> {
    return new Map(this.#known.paths.map((path, place) => [path, this.#known.rows.sum(place)]));
  }

  /**
   * Writes the index when it has learned something. Entries that this build did not ask for are kept, but for files that
   * are gone, unless there are many: `keepsAll` says that they were needed none the less.
   */
  save({
    isGone = () => false,
    keepsAll = false,
  }: {
    readonly isGone?: (path: string) => boolean;
    readonly keepsAll?: boolean;
  } = {}): void {
    if (!this.#isDirty) return;
    const kept = this.#known.paths.flatMap((path, place) =>
      this.#seen.has(path) || isGone(path) ? [] : [[path, place] as const],
    );
    // Files that were deleted would stay for ever; another COPY's files are worth keeping.
    const others = !keepsAll && kept.length > 2 * this.#seen.size + 10_000 ? [] : kept;
    const paths: string[] = [];
    const rows = new Rows();
    for (const places of [this.#seen, others])
      for (const [path, place] of places) {
        paths.push(path);
        const at = rows.addFrom(...this.#rowsAt(place));
        // A racy row never matches again, but still tells what the file was.
        if (this.#racy.has(path)) rows.forgetTimes(at);
      }
    const temporary = `${this.#file}.${process.pid}`;
    writeFileSync(temporary, serialize(paths, rows));
    for (const copy of this.#copies) {
      rmSync(copy, { recursive: true, force: true });
      linkSync(temporary, copy);
    }
    putInPlace(temporary, this.#file);
    this.#isDirty = false;
  }

  /** Walks come in the same order as last time, so the next row is nearly always the one. */
  #place(path: string): number | undefined {
    const { paths } = this.#known;
    if (paths[this.#cursor] === path) return this.#cursor++;
    this.#places ??= new Map(paths.map((known, place) => [known, place]));
    const place = this.#places.get(path);
    if (place !== undefined) this.#cursor = place + 1;
    return place;
  }
}

// Kernels stamp files with the time of the last timer tick: 10 ms at CONFIG_HZ=100.
const clockGranularityMs = 20;

interface Known {
  readonly paths: readonly string[];
  readonly rows: Rows;
}

const numbersPerRow = 5;

/** Statuses and sums of files in columns: an object for each would take three times the memory. */
class Rows {
  #numbers: Float64Array;
  readonly #sums: string[];

  constructor(numbers: Float64Array = new Float64Array(64 * numbersPerRow), sums: string[] = []) {
    this.#numbers = numbers;
    this.#sums = sums;
  }

  /** @returns the place of the new row */
  add({ dev, ino, sizeBytes, mtimeMs, ctimeMs }: FileStatus, sum: string): number {
    return this.#push([dev, ino, sizeBytes, mtimeMs, ctimeMs], sum);
  }

  addFrom(other: Rows, at: number): number {
    const start = at * numbersPerRow;
    return this.#push(other.#numbers.subarray(start, start + numbersPerRow), other.sum(at));
  }

  #push(numbers: ArrayLike<number>, sum: string): number {
    const at = this.#sums.length * numbersPerRow;
    if (at === this.#numbers.length) {
      const larger = new Float64Array(2 * at);
      larger.set(this.#numbers);
      this.#numbers = larger;
    }
    this.#numbers.set(numbers, at);
    return this.#sums.push(sum) - 1;
  }

  sum(at: number): string {
    return this.#sums[at] ?? "";
  }

  isSame(at: number, status: FileStatus): boolean {
    const start = at * numbersPerRow;
    return (
      this.#numbers[start + 4] === status.ctimeMs &&
      this.#numbers[start + 3] === status.mtimeMs &&
      this.#numbers[start + 2] === status.sizeBytes &&
      this.#numbers[start + 1] === status.ino &&
      this.#numbers[start] === status.dev
    );
  }

  forgetTimes(at: number): void {
    this.#numbers[at * numbersPerRow + 4] = -1;
  }

  /** The numbers, and the sums as one text. */
  columns(): { readonly numbers: Uint8Array; readonly sums: string } {
    const { buffer, byteOffset } = this.#numbers;
    const length = this.#sums.length * numbersPerRow * Float64Array.BYTES_PER_ELEMENT;
    return { numbers: new Uint8Array(buffer, byteOffset, length), sums: this.#sums.join("\0") };
  }
}

const magic = "lighter stat index 4\n";
function serialize(paths: readonly string[], rows: Rows): Buffer {
  const { numbers, sums } = rows.columns();
  const pathBytes = Buffer.from(paths.join("\0"));
  const sumBytes = Buffer.from(sums);
  const header = Buffer.from(`${magic}${paths.length} ${pathBytes.length} ${sumBytes.length}\n`);
  return Buffer.concat([header, numbers, pathBytes, sumBytes]);
}

function load(file: string): Known {
  try {
    markUsed(file);
    return parse(readFileSync(file));
  } catch {
    return nothing; // absent or damaged: everything is read again
  }
}

const nothing: Known = { paths: [], rows: new Rows() };

function parse(bytes: Buffer): Known {
  const end = bytes.indexOf("\n", magic.length);
  if (bytes.toString("latin1", 0, magic.length) !== magic || end < 0) return nothing;
  const [count = 0, pathBytes = 0, sumBytes = 0] = bytes
    .toString("latin1", magic.length, end)
    .split(" ")
    .map(Number);
  const numberBytes = count * numbersPerRow * 8;
  const numbersAt = end + 1;
  const pathsAt = numbersAt + numberBytes;
  const sumsAt = pathsAt + pathBytes;
  if (bytes.length !== sumsAt + sumBytes || count === 0) return nothing;
  const numbers = new Float64Array(
    bytes.buffer.slice(bytes.byteOffset + numbersAt, bytes.byteOffset + pathsAt),
  );
  const paths = bytes.toString("utf8", pathsAt, sumsAt).split("\0");
  const sums = bytes.toString("latin1", sumsAt).split("\0");
  if (paths.length !== count || sums.length !== count) return nothing;
  return { paths, rows: new Rows(numbers, sums) };
}
