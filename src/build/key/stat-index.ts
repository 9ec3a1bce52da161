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
  readonly #seen = new Map<string, Row>();
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
    if (seen !== undefined) return isSame(seen, status) ? seen.sum : undefined;
    const place = this.#place(path);
    if (place === undefined) {
      this.#absent.add(path);
      return undefined;
    }
    const row = this.#known.row(place);
    if (!isSame(row, status)) return undefined;
    this.#seen.set(path, row);
    return row.sum;
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
    if (place !== undefined && this.#known.row(place).sum !== read.sum) this.#changes.set(path, "changed");
    if (this.#absent.has(path) && this.#known.paths.length > 0) this.#changes.set(path, "new");
    const isRacy = read.status.ctimeMs + clockGranularityMs >= read.startedMs;
    this.#seen.set(path, { ...numbersOf(read.status), sum: read.sum, isRacy });
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
    return this.#seen.get(path)?.sum;
  }

  /** The sums by path, whatever has become of the files. */
  sums(): ReadonlyMap<string, string> {
    return new Map(this.#known.paths.map((path, place) => [path, this.#known.row(place).sum]));
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
    // A racy row never matches again, but still tells what the file was.
    const rows = [...this.#seen].map(([path, row]): [string, Row] => [
      path,
      row.isRacy ? { ...row, ctimeMs: -1 } : row,
    ]);
    const kept = this.#known.paths.flatMap((path, place): [string, Row][] =>
      this.#seen.has(path) || isGone(path) ? [] : [[path, this.#known.row(place)]],
    );
    // Files that were deleted would stay for ever; another COPY's files are worth keeping.
    const others = !keepsAll && kept.length > 2 * rows.length + 10_000 ? [] : kept;
    const temporary = `${this.#file}.${process.pid}`;
    writeFileSync(temporary, serialize([...rows, ...others]));
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

type Numbers = Pick<FileStatus, "dev" | "ino" | "sizeBytes" | "mtimeMs" | "ctimeMs">;

type Row = Numbers & {
  readonly sum: string;
  readonly isRacy?: boolean;
};

interface Known {
  readonly paths: readonly string[];
  row(place: number): Row;
}

function numbersOf({ dev, ino, sizeBytes, mtimeMs, ctimeMs }: FileStatus): Numbers {
  return { dev, ino, sizeBytes, mtimeMs, ctimeMs };
}

function isSame(row: Numbers, status: FileStatus): boolean {
  return (
    row.ctimeMs === status.ctimeMs &&
    row.mtimeMs === status.mtimeMs &&
    row.sizeBytes === status.sizeBytes &&
    row.ino === status.ino &&
    row.dev === status.dev
  );
}

const magic = "lighter stat index 3\n";
const numbersPerRow = 5;

function serialize(rows: readonly (readonly [string, Row])[]): Buffer {
  const numbers = new Float64Array(rows.length * numbersPerRow);
  for (const [place, [, row]] of rows.entries())
    numbers.set([row.dev, row.ino, row.sizeBytes, row.mtimeMs, row.ctimeMs], place * numbersPerRow);
  const paths = Buffer.from(rows.map(([path]) => path).join("\0"));
  const sums = Buffer.from(rows.map(([, row]) => row.sum).join("\0"));
  const header = Buffer.from(`${magic}${rows.length} ${paths.length} ${sums.length}\n`);
  return Buffer.concat([header, Buffer.from(numbers.buffer), paths, sums]);
}

function load(file: string): Known {
  try {
    markUsed(file);
    return parse(readFileSync(file));
  } catch {
    return nothing; // absent or damaged: everything is read again
  }
}

const nothing: Known = {
  paths: [],
  row() {
    throw new RangeError("an empty index has no row");
  },
};

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
  return {
    paths,
    row(place) {
      const at = place * numbersPerRow;
      const [dev, ino] = [numbers[at] ?? 0, numbers[at + 1] ?? 0];
      const [sizeBytes, mtimeMs, ctimeMs] = [
        numbers[at + 2] ?? 0,
        numbers[at + 3] ?? 0,
        numbers[at + 4] ?? 0,
      ];
      return { dev, ino, sizeBytes, mtimeMs, ctimeMs, sum: sums[place] ?? "" };
    },
  };
}
