/** What an entry is. `hardlink` names another entry of the same archive (or, in a layer, of the layers below). */
export type TarKind = "file" | "directory" | "symlink" | "hardlink" | "character" | "block" | "fifo";

/**
 * One member of a tar archive, as the archive says it: nothing is cleaned or checked against a root here.
 *
 * Paths are text; bytes that are no UTF-8 stand in them as lone surrogates (see {@link encodeName}), so that no name is lost.
 */
export interface TarEntry {
  readonly kind: TarKind;
  /** Without the slash that ends a directory's name. */
  readonly path: string;
  /** Permission, set-id and sticky bits (`0o7777`). */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly userName: string;
  readonly groupName: string;
  /** Length of the file, holes included; 0 for all but files. */
  readonly sizeBytes: number;
  /** Whole seconds since 1970, may be negative. */
  readonly mtimeSeconds: number;
  /** 0 to 999,999,999, to be added to {@link TarEntry.mtimeSeconds}. */
  readonly mtimeNanoseconds: number;
  /** Target of a symbolic or hard link, else empty. */
  readonly linkPath: string;
  readonly device: { readonly major: number; readonly minor: number };
  /** Extended attributes by name; values are bytes. */
  readonly xattrs: ReadonlyMap<string, Uint8Array>;
  /** Where the data lies; undefined when the file has no holes. */
  readonly segments: readonly Segment[] | undefined;
}

/** A run of data in a sparse file. */
export interface Segment {
  readonly offset: number;
  readonly sizeBytes: number;
}

const noXattrs: ReadonlyMap<string, Uint8Array> = new Map();
const noDevice = Object.freeze({ major: 0, minor: 0 });

/** A file entry owned by root, mode 0644, of 1970; override what differs. */
export function tarEntry(fields: Partial<TarEntry> & Pick<TarEntry, "path">): TarEntry {
  return {
    kind: "file",
    mode: fields.kind === "directory" ? 0o755 : 0o644,
    uid: 0,
    gid: 0,
    userName: "",
    groupName: "",
    sizeBytes: 0,
    mtimeSeconds: 0,
    mtimeNanoseconds: 0,
    linkPath: "",
    device: noDevice,
    xattrs: noXattrs,
    segments: undefined,
    ...fields,
  };
}
