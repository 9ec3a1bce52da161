import type { IgnoreMatcher } from "#dockerfile";
import type { Files } from "#host";
import { createEntryReader } from "../key/entry-sum.ts";
import type { SumOf } from "../key/selection-digest.ts";
import { StatIndex } from "../key/stat-index.ts";
import { DirectoryTree } from "../tree/directory-tree.ts";
import type { Tree } from "../tree/tree.ts";

/** A directory that a build reads in place, with what earlier builds learned about it. */
export interface ContextSource {
  readonly tree: Tree;
  readonly sumOf: SumOf;
  /** Paths whose content is new or changed since an earlier build. */
  readonly changes: ReadonlyMap<string, "changed" | "new">;
  /** Counts of what this build looked at and what it had to read. */
  readonly counts: { readonly files: number; readonly read: number };
  /** Keeps what was learned. */
  save(): void;
}

/** Opens the directory `root`; nothing is read yet. `indexFile` keeps the sums of its files between builds. */
export function openContext(
  root: string,
  options: {
    readonly indexFile: string;
    readonly ignore?: IgnoreMatcher | undefined;
    readonly files: Pick<Files, "listXattrs" | "getXattr">;
  },
): ContextSource {
  const index = StatIndex.open(options.indexFile);
  const reader = createEntryReader(options.files);
  const counts = { files: 0, read: 0 };
  return {
    tree: new DirectoryTree(root, options.ignore),
    sumOf(path, entry) {
      counts.files += 1;
      const known = index.find(path, entry);
      if (known !== undefined) return known;
      counts.read += 1;
      const startedMs = Date.now();
      const sum = reader.sum(entry);
      index.set(path, { status: entry, sum, startedMs });
      return sum;
    },
    get changes() {
      return index.changes;
    },
    counts,
    save: () => index.save(),
  };
}
