import type { TarEntry } from "#archive";
import type { Host } from "#host";

/** How an archive is laid out in a directory. */
export interface ExtractOptions {
  readonly host: Pick<Host, "files">;
  /** The directory to fill. It exists, and nobody else writes into it meanwhile. */
  readonly root: string;
  /**
   * What `.wh.` names mean: `overlay` makes them whiteouts of the overlay filesystem (a layer), `literal` files like any
   * other (a package, an ADDed archive). @defaultValue `literal`
   */
  readonly whiteouts?: "overlay" | "literal";
  /**
   * Layers below `root`, top first: links in them are followed, their directories and hard-link targets are copied up. As a
   * function it is called when the archive first depends on them, at its end at the latest, and may wait: until then the
   * archive is laid out as if nothing were below. When that turns out to be wrong, {@link LayoutDiffers} is thrown, and the
   * archive has to be laid out again, into an empty root and with the layers given.
   */
  readonly lower?: readonly string[] | (() => readonly string[]);
  /** Owner of everything, or of each entry, instead of what the archive says. */
  readonly owner?: Owner | ((entry: Owner) => Owner);
  /**
   * A directory entry where a link to a directory stands keeps the link (`tar --keep-directory-symlink`), as dpkg does; so a
   * package that has `/lib/x` lands in `/usr/lib` of a merged-usr tree. @defaultValue false
   */
  readonly keepDirectorySymlinks?: boolean;
  /** Leaves an entry out (undefined) or puts it elsewhere. Hard links to what was left out fail. */
  readonly select?: (entry: TarEntry) => TarEntry | undefined;
  readonly limits?: ExtractLimits;
}

/** Above these an archive counts as a bomb. */
export interface ExtractLimits {
  /** Sum of all data, holes not counted. @defaultValue 256 GiB */
  readonly dataBytes?: number;
  /** @defaultValue 10,000,000 */
  readonly entries?: number;
}

/** What was laid out. */
export interface ExtractSummary {
  readonly entries: number;
  /** Sum of the data written. */
  readonly dataBytes: number;
  /** Sum of the lengths of files and links, holes counted. */
  readonly fileBytes: number;
  /** What the filesystem could not hold, such as attributes it does not know. */
  readonly warnings: readonly string[];
}

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}
