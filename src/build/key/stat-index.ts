import { readFileSync, renameSync, type Stats, writeFileSync } from "node:fs";

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

  private constructor(file: string, known: Known) {
    this.#file = file;
    this.#known = known;
  }

  static open(file: string): StatIndex {
    return new StatIndex(file, load(file));
  }

  /** The sum of the file, when nothing about it has changed since it was read. */
  find(path: string, stats: Stats): string | undefined {
    const seen = this.#seen.get(path);
    if (seen !== undefined) return isSame(seen, stats) ? seen.sum : undefined;
    const place = this.#place(path);
    if (place === undefined) {
      this.#absent.add(path);
      return undefined;
    }
    const row = this.#known.row(place);
    if (!isSame(row, stats)) return undefined;
    this.#seen.set(path, row);
    return row.sum;
  }

  /**
   * Remembers what reading the file gave. A file whose status changed so shortly before it was read that a later write
   * would not show in its times is not remembered beyond this build (git calls such an entry racily clean).
   */
  set(path: string, read: { readonly stats: Stats; readonly sum: string; readonly startedMs: number }): void {
    const place = this.#place(path);
    if (place !== undefined && this.#known.row(place).sum !== read.sum) this.#changes.set(path, "changed");
    if (this.#absent.has(path) && this.#known.paths.length > 0) this.#changes.set(path, "new");
    const isRacy = read.stats.ctimeMs + clockGranularityMs >= read.startedMs;
    this.#seen.set(path, { ...numbersOf(read.stats), sum: read.sum, isRacy });
    this.#isDirty = true;
  }

  /** Files that are new or differ from what the index knew. */
  get changes(): ReadonlyMap<string, "changed" | "new"> {
    return this.#changes;
  }

  /** Writes the index when it has learned something. Entries that this build did not ask for are kept. */
  save(): void {
    if (!this.#isDirty) return;
    const rows = [...this.#seen].filter(([, row]) => !row.isRacy);
    const kept = this.#known.paths.flatMap((path, place): [string, Row][] =>
      this.#seen.has(path) ? [] : [[path, this.#known.row(place)]],
    );
    // Files that were deleted would stay for ever; another COPY's files are worth keeping.
    const others = kept.length > 2 * rows.length + 10_000 ? [] : kept;
    const temporary = `${this.#file}.${process.pid}`;
    writeFileSync(temporary, serialize([...rows, ...others]));
    renameSync(temporary, this.#file);
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

interface Numbers {
  readonly dev: number;
  readonly ino: number;
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
}

interface Row extends Numbers {
  readonly sum: string;
  readonly isRacy?: boolean;
}

interface Known {
  readonly paths: readonly string[];
  row(place: number): Row;
}

// A double keeps a time in milliseconds to 244 ns, which no two writes of one file share.
function numbersOf(stats: Stats): Numbers {
  const { dev, ino, size, mtimeMs, ctimeMs } = stats;
  return { dev, ino, size, mtimeMs, ctimeMs };
}

function isSame(row: Numbers, stats: Stats): boolean {
  return (
    row.ctimeMs === stats.ctimeMs &&
    row.mtimeMs === stats.mtimeMs &&
    row.size === stats.size &&
    row.ino === stats.ino &&
    row.dev === stats.dev
  );
}

const magic = "lighter stat index 1\n";
const numbersPerRow = 5;

function serialize(rows: readonly (readonly [string, Row])[]): Buffer {
  const numbers = new Float64Array(rows.length * numbersPerRow);
  for (const [place, [, row]] of rows.entries())
    numbers.set([row.dev, row.ino, row.size, row.mtimeMs, row.ctimeMs], place * numbersPerRow);
  const paths = Buffer.from(rows.map(([path]) => path).join("\0"));
  const sums = Buffer.from(rows.map(([, row]) => row.sum).join("\0"));
  const header = Buffer.from(`${magic}${rows.length} ${paths.length} ${sums.length}\n`);
  return Buffer.concat([header, Buffer.from(numbers.buffer), paths, sums]);
}

function load(file: string): Known {
  try {
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
      const [dev = 0, ino = 0, size = 0, mtimeMs = 0, ctimeMs = 0] = numbers.subarray(
        place * numbersPerRow,
        (place + 1) * numbersPerRow,
      );
      return { dev, ino, size, mtimeMs, ctimeMs, sum: sums[place] ?? "" };
    },
  };
}
