import { createHash } from "node:crypto";
import type { SelectedSource } from "../copy/selection.ts";
import type { Entry } from "../tree/tree.ts";

/** Sums of entries by path: from the stat index of a context, or read anew. */
export type SumOf = (path: string, entry: Entry) => string;

/**
 * The content key of what a COPY takes: kind, mode, owner, link target, attributes and bytes of every entry, with paths
 * relative to the source. Times and the path of the source itself are no part of it.
 * @see https://github.com/moby/buildkit/blob/v0.32.2/cache/contenthash/filehash.go
 */
export function digestSelection(sources: readonly SelectedSource[], sumOf: SumOf): string {
  const hash = createHash("sha256");
  let text: string[] = [];
  const flush = (): void => {
    hash.update(text.join(""));
    text = [];
  };
  const links = new LinkNames();
  for (const source of sources) {
    text.push(
      `${source.name}\0`,
      describe(source.entry, sumOf(source.path, source.entry), links.of(source.path, source.entry)),
    );
    for (const { path, entry } of source.items) {
      const below = source.path === "" ? path : `${source.path}/${path}`;
      text.push(`${path}\0`, describe(entry, sumOf(below, entry), links.of(path, entry)));
      if (text.length > 8192) flush();
    }
    text.push("\0\n");
  }
  flush();
  return hash.digest("hex");
}

/**
 * Which entries of one selection are one file: hard links stay links in the copy, so they belong to the key. The first
 * name counts as a file of its own: whether it has names outside the selection is nothing that a copy shows.
 */
class LinkNames {
  readonly #first = new Map<string, string>();

  /** The name under which the selection has this file already. */
  of(path: string, entry: Entry): string {
    if (entry.kind !== "file" || entry.nlink < 2) return "-";
    const inode = `${entry.dev}:${entry.ino}`;
    const first = this.#first.get(inode);
    if (first === undefined) this.#first.set(inode, path);
    return first === undefined ? "-" : `=${first}\0`;
  }
}

function describe(entry: Entry, sum: string, link: string): string {
  const mode = entry.kind === "symlink" ? 0o777 : entry.mode;
  const device = entry.kind === "characterDevice" || entry.kind === "blockDevice" ? entry.rdev : 0;
  // A socket is copied as an empty file.
  const kind = entry.kind === "socket" ? "file" : entry.kind;
  return `${kind} ${mode.toString(8)} ${entry.uid} ${entry.gid} ${device} ${link} ${sum}\n`;
}
