import { dirname } from "node:path";
import type { IgnoreMatcher } from "#dockerfile";
import type { Files } from "#host";
import type { Selector } from "../copy/selection.ts";
import { createEntryReader, isBareSum } from "../key/entry-sum.ts";
import { sumFiles } from "../key/file-sums.ts";
import { tellsOfNames } from "../key/known-digests.ts";
import type { SumOf } from "../key/selection-digest.ts";
import { StatIndex } from "../key/stat-index.ts";
import { hashKey } from "../solve/keys.ts";
import { DirectoryTree } from "../tree/directory-tree.ts";
import { hasWildcard } from "../tree/patterns.ts";
import type { Entry, Tree } from "../tree/tree.ts";
import type { FilePool } from "../work/file-pool.ts";

/** A directory that a build reads in place, with what earlier builds learned about it. */
export interface ContextSource {
  /** Where it lies. */
  readonly root: string;
  readonly tree: Tree;
  /**
   * Where the digest of what these take is kept between builds; undefined where files that it does not name could decide
   * about it.
   */
  digestFile(selectors: readonly Selector[]): string | undefined;
  /** Says that a kept digest stands for files which this build did not ask for one by one; `paths` are all there. */
  trust(count: number, paths?: readonly string[]): void;
  /** When the first of the entries was looked at, at the earliest. */
  readonly openedMs: number;
  /** Reads what is not known of these, on several threads when it is much: {@link ContextSource.sumOf} has it then. */
  read(entries: readonly PathEntry[], signal: AbortSignal): Promise<void>;
  readonly sumOf: SumOf;
  /** The sum of a file that this build has asked for. */
  findSum(path: string): string | undefined;
  /** Whether a file that this build has asked for has no attributes that a copy keeps. */
  isBare(path: string): boolean;
  /** Paths whose content is new or changed since an earlier build. */
  readonly changes: ReadonlyMap<string, "changed" | "new">;
  /** Counts of what this build looked at and what it had to read. */
  readonly counts: { readonly files: number; readonly read: number };
  /** Has what is known when this build ends kept in another file too. */
  keepAs(file: string): void;
  /** Keeps what was learned. */
  save(): void;
}

export interface PathEntry {
  readonly path: string;
  readonly entry: Entry;
}

/** Files that are summed together. */
const mostAtOnce = 16_384;

/** Opens the directory `root`; nothing is read yet. `indexFile` keeps the sums of its files between builds. */
export function openContext(
  root: string,
  options: {
    readonly indexFile: string;
    readonly ignore?: IgnoreMatcher | undefined;
    readonly files: Pick<Files, "listXattrs" | "getXattr" | "findData">;
    readonly pool: FilePool;
  },
): ContextSource {
  const openedMs = Date.now();
  let opened: StatIndex | undefined;
  // A build of which all digests are known does without.
  const open = (): StatIndex => (opened ??= StatIndex.open(options.indexFile));
  const reader = createEntryReader(options.files);
  const counts = { files: 0, read: 0 };
  let hasTrusted = false;
  const trusted: (readonly string[])[] = [];
  const learn = (path: string, entry: Entry, known: { bytesSum?: string; startedMs: number }): string => {
    counts.read += 1;
    const sum = reader.sum(entry, known.bytesSum);
    open().set(path, { status: entry, sum, startedMs: known.startedMs });
    return sum;
  };
  const readUnknown = async (entries: readonly PathEntry[], signal: AbortSignal): Promise<void> => {
    const index = open();
    const unknown = entries.filter(({ path, entry }) => index.find(path, entry) === undefined);
    const { pool, files } = options;
    const store = dirname(options.indexFile);
    for (const part of partsOf(unknown)) {
      const startedMs = Date.now();
      const entriesOfPart = part.map(({ entry }) => entry);
      const sums = await sumFiles(entriesOfPart, { pool, files, store, signal });
      for (const { path, entry } of part) {
        const bytesSum = sums.get(entry);
        if (bytesSum !== undefined) learn(path, entry, { bytesSum, startedMs });
      }
    }
  };
  const tree = new DirectoryTree(root, options.ignore);
  // One after another: what several steps take is read once.
  let reading = Promise.resolve();
  return {
    root,
    tree,
    openedMs,
    digestFile(selectors) {
      if (options.ignore?.hasNegations === true || !selectors.every(isPlain)) return undefined;
      if (!tellsOfNames(root)) return undefined;
      const text = JSON.stringify([selectors, options.ignore?.patterns ?? []]);
      return `${options.indexFile}.${hashKey(text).slice(0, 32)}`;
    },
    trust(count, paths) {
      counts.files += count;
      hasTrusted = true;
      if (paths !== undefined) trusted.push(paths);
    },
    read(entries, signal) {
      reading = reading.then(() => readUnknown(entries, signal));
      return reading;
    },
    sumOf(path, entry) {
      counts.files += 1;
      return open().find(path, entry) ?? learn(path, entry, { startedMs: Date.now() });
    },
    findSum: (path) => open().findSum(path),
    isBare: (path) => isBareSum(open().findSum(path)),
    get changes() {
      return opened?.changes ?? new Map();
    },
    counts,
    keepAs: (file) => open().keepAs(file),
    save() {
      if (opened === undefined) return;
      const isThere = new Set(trusted.flat());
      const isGone = (path: string): boolean => !isThere.has(path) && tree.find(path) === undefined;
      opened.save({ keepsAll: hasTrusted, isGone });
    },
  };
}

/** Equal parts of not too many: what reading them needs beside them does not grow with their number. */
function partsOf<T>(items: readonly T[]): readonly (readonly T[])[] {
  const count = Math.ceil(items.length / mostAtOnce);
  const length = Math.ceil(items.length / Math.max(1, count));
  return Array.from({ length: count }, (_, part) => items.slice(part * length, (part + 1) * length));
}

/** Takes a path and what is below it, whatever that is. */
function isPlain({ source, wildcard, includePatterns, excludePatterns, requiredPaths }: Selector): boolean {
  const patterns = [...includePatterns, ...excludePatterns, ...requiredPaths];
  return patterns.length === 0 && !(wildcard && hasWildcard(source));
}
