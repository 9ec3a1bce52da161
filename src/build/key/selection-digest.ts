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
export function digestSelection(
  sources: readonly SelectedSource[],
  sumOf: SumOf,
  /** Gets what is hashed. */
  onText?: (text: Buffer) => void,
): string {
  const hash = createHash("sha256");
  let text: string[] = [];
  const flush = (): void => {
    const part = Buffer.from(text.join(""));
    hash.update(part);
    onText?.(part);
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

/** A selection of one source of which a few files have changed, by the text that its digest was made of. */
export class ChangedText {
  readonly #parts: Buffer[] = [];
  #rest: Buffer;

  constructor(text: Buffer) {
    this.#rest = text;
  }

  /**
   * Gives the file at `path`, below the source, its new description. Paths come in the order of the selection.
   * @returns false when it was no file, or a further name of one
   */
  replaceFile(path: string, entry: Entry, sum: string): boolean {
    const start = Buffer.from(`\n${path}\0file `);
    const at = this.#rest.indexOf(start);
    const end = at < 0 ? -1 : this.#rest.indexOf("\n", at + start.length);
    const before = end < 0 ? "" : this.#rest.toString("latin1", at + start.length, end);
    if (!/^[0-7]+ 0 0 0 - [^ ]+$/.test(before)) return false;
    this.#parts.push(this.#rest.subarray(0, at + 1), Buffer.from(lineOf(path, entry, sum).slice(0, -1)));
    this.#rest = this.#rest.subarray(end);
    return true;
  }

  /** Whether a directory is described as before; the source itself has an empty path, and comes first. */
  hasDirectory(path: string, entry: Entry, sum: string): boolean {
    if (path === "") {
      const line = Buffer.from(describe(entry, sum, "-"));
      const start = this.#rest.indexOf(0) + 1;
      return this.#rest.subarray(start, start + line.length).equals(line);
    }
    return this.#rest.includes(`\n${lineOf(path, entry, sum)}`);
  }

  end(): { readonly text: Buffer; readonly digest: string } {
    const text = Buffer.concat([...this.#parts, this.#rest]);
    return { text, digest: createHash("sha256").update(text).digest("hex") };
  }
}

function lineOf(path: string, entry: Entry, sum: string): string {
  return `${path}\0${describe(entry, sum, "-")}`;
}

function describe(entry: Entry, sum: string, link: string): string {
  const mode = entry.kind === "symlink" ? 0o777 : entry.mode;
  const device = entry.kind === "characterDevice" || entry.kind === "blockDevice" ? entry.rdev : 0;
  // A socket is copied as an empty file.
  const kind = entry.kind === "socket" ? "file" : entry.kind;
  return `${kind} ${mode.toString(8)} ${entry.uid} ${entry.gid} ${device} ${link} ${sum}\n`;
}
