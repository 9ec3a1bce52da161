import {
  chmodSync,
  closeSync,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeSync,
} from "node:fs";
import { LighterError } from "#base";
import { storeError } from "../write-whole.ts";

/** Owner, permissions and time of an entry. */
export interface Attributes {
  /** With set-id and sticky bits (`0o7777`). */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSeconds: number;
}

/** An entry that was written. `owner` is the package that brought it, undefined for what the assembly itself made. */
export type TreeNode =
  | { readonly kind: "directory"; readonly owner: string | undefined }
  | { readonly kind: "file"; readonly owner: string | undefined }
  | { readonly kind: "symlink"; readonly owner: string | undefined; readonly target: string };

/** A file that is being written. */
export interface FileSink {
  write(bytes: Uint8Array): void;
  /** Ends the file: from now on it has its owner, mode and time. */
  close(): void;
}

const linkLimit = 40;
/** Of the process, and fixed: what it does not take away a new file has from the start. */
const umask = process.umask();
const ownId = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };

/**
 * Writes a file tree into an empty directory of which it is the only writer.
 *
 * It knows every entry that it has made, so symbolic links are followed in memory, as a chroot would follow them: no call
 * to the kernel ever passes through a link of the tree, and nothing outside the directory can be reached.
 */
export class TreeWriter {
  readonly #root: string;
  readonly #nodes = new Map<string, TreeNode>([["", { kind: "directory", owner: undefined }]]);
  /** Directory names as asked for, to real ones. */
  readonly #resolved = new Map<string, string>();
  readonly #directories = new Map<string, Attributes>();
  #hasLinks = false;

  /** @param root an existing empty directory */
  constructor(root: string) {
    this.#root = root;
  }

  /** Number of entries. */
  get size(): number {
    return this.#nodes.size - 1;
  }

  /** The entry itself, links in its directory followed. */
  find(path: string): TreeNode | undefined {
    const real = this.#find(path);
    return real === undefined ? undefined : this.#nodes.get(real);
  }

  /** The real path of an entry with all links followed, the last one too; undefined when it leads nowhere. */
  resolve(path: string): string | undefined {
    return this.#follow(path, 0);
  }

  /** Every path and entry, in the order of their making. */
  entries(): Iterable<readonly [path: string, node: TreeNode]> {
    return this.#nodes.entries();
  }

  /** The entries of one directory, given by its real path, by name. */
  entriesIn(directory: string): readonly (readonly [path: string, node: TreeNode])[] {
    const prefix = `${directory}/`;
    return [...this.#nodes]
      .filter(([path]) => path.startsWith(prefix) && !path.includes("/", prefix.length))
      .sort(([a], [b]) => (a < b ? -1 : 1));
  }

  /** What a directory will have when the tree is finished; undefined for everything else. @param path a real one */
  directoryAttributes(path: string): Attributes | undefined {
    return this.#directories.get(path);
  }

  /** Where an entry stands on the host. @param path a real one */
  placeOf(path: string): string {
    return this.#at(path);
  }

  /** The inode of a file that has further names, else undefined. @param path a real one */
  sharedInode(path: string): number | undefined {
    if (this.#nodes.get(path)?.kind !== "file" || !this.#hasLinks) return undefined;
    const { nlink, ino } = lstatSync(this.#at(path));
    return nlink > 1 ? ino : undefined;
  }

  /** The content of a file, links followed. */
  read(path: string): Buffer | undefined {
    const real = this.resolve(path);
    return real !== undefined && this.#nodes.get(real)?.kind === "file"
      ? readFileSync(this.#at(real))
      : undefined;
  }

  /** The first bytes of a file, links followed; fewer when it is shorter. */
  readHead(path: string, sizeBytes: number): Buffer {
    const real = this.resolve(path);
    if (real === undefined || this.#nodes.get(real)?.kind !== "file") return Buffer.alloc(0);
    const fd = openSync(this.#at(real), "r");
    try {
      const head = Buffer.alloc(sizeBytes);
      return head.subarray(0, readSync(fd, head, 0, sizeBytes, 0));
    } finally {
      closeSync(fd);
    }
  }

  /** Removes a file, a link, or a directory with all that is below it; nothing happens when it is not there. */
  remove(path: string): void {
    const real = this.#find(path);
    if (real === undefined || real === "") return;
    this.#attempt(real, () => rmSync(this.#at(real), { recursive: true }));
    for (const each of this.#nodes.keys())
      if (each === real || each.startsWith(`${real}/`)) {
        this.#nodes.delete(each);
        this.#directories.delete(each);
      }
    this.#resolved.clear();
  }

  /** Removes the directories among these that are empty, deepest first. */
  removeEmpty(directories: Iterable<string>): void {
    const parents = new Map<string, number>();
    const parentOf = (path: string) => path.slice(0, Math.max(0, path.lastIndexOf("/")));
    for (const path of this.#nodes.keys())
      if (path !== "") parents.set(parentOf(path), (parents.get(parentOf(path)) ?? 0) + 1);
    for (const path of [...new Set(directories)].sort().reverse()) {
      if (path === "" || this.#nodes.get(path)?.kind !== "directory" || (parents.get(path) ?? 0) > 0)
        continue;
      this.remove(path);
      parents.set(parentOf(path), (parents.get(parentOf(path)) ?? 1) - 1);
    }
  }

  /** Makes a directory, or leaves the one (or the link to one) that stands there. The first package to bring it sets its attributes. */
  directory(path: string, attributes: Attributes, owner?: string): void {
    const real = this.#place(path, attributes);
    const existing = this.#nodes.get(real);
    if (existing?.kind === "symlink" && this.#isDirectory(real)) return;
    if (existing?.kind === "directory" && (existing.owner !== undefined || owner === undefined)) return;
    if (existing !== undefined && existing.kind !== "directory") throw occupied(path, existing);
    if (existing === undefined) this.#attempt(real, () => mkdirSync(this.#at(real)));
    this.#nodes.set(real, { kind: "directory", owner });
    this.#directories.set(real, attributes);
  }

  /** Gives an existing directory other attributes. */
  setDirectory(path: string, attributes: Partial<Attributes>): void {
    const real = this.resolve(path);
    const current = real === undefined ? undefined : this.#directories.get(real);
    if (real !== undefined && current !== undefined)
      this.#directories.set(real, { ...current, ...attributes });
  }

  /** Writes a file in place of whatever file or link stood there. */
  file(path: string, bytes: Uint8Array | string, attributes: Attributes, owner?: string): void {
    const sink = this.open(path, attributes, owner);
    try {
      sink.write(typeof bytes === "string" ? Buffer.from(bytes) : bytes);
    } finally {
      sink.close();
    }
  }

  /** Gives a file other bytes; whose it is, its permissions and its time stay. @param path a real one */
  rewrite(path: string, bytes: Uint8Array): void {
    const { mode, uid, gid, mtimeMs } = lstatSync(this.#at(path));
    const attributes = { mode: mode & 0o7777, uid, gid, mtimeSeconds: Math.floor(mtimeMs / 1000) };
    this.file(path, bytes, attributes, this.#nodes.get(path)?.owner);
  }

  /** Begins a file in place of whatever file or link stood there. The caller closes it. */
  open(path: string, attributes: Attributes, owner?: string): FileSink {
    const real = this.#clear(path, attributes);
    this.#nodes.set(real, { kind: "file", owner });
    const isOwn = attributes.uid === ownId.uid && attributes.gid === ownId.gid;
    // Another owner's file is nobody's until it is whole, and changing the owner clears set-id bits.
    const isExact = isOwn && (attributes.mode & (umask | 0o7000)) === 0;
    const birthMode = isExact ? attributes.mode : 0o600;
    const fd = this.#attempt(real, () => openSync(this.#at(real), "wx", birthMode));
    return {
      write: (bytes) =>
        this.#attempt(real, () => {
          for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
        }),
      close: () => {
        try {
          this.#attempt(real, () => setAttributes(fd, attributes, isExact));
        } finally {
          closeSync(fd);
        }
      },
    };
  }

  symlink(path: string, target: string, attributes: Omit<Attributes, "mode">, owner?: string): void {
    const real = this.#clear(path, { ...attributes, mode: 0o777 });
    this.#attempt(real, () => {
      const at = this.#at(real);
      symlinkSync(target, at);
      if (attributes.uid !== ownId.uid || attributes.gid !== ownId.gid)
        lchownSync(at, attributes.uid, attributes.gid);
      lutimesSync(at, attributes.mtimeSeconds, attributes.mtimeSeconds);
    });
    this.#nodes.set(real, { kind: "symlink", owner, target });
    this.#resolved.clear();
  }

  /** Puts a link in the place of a directory that has stayed empty; returns whether it could. */
  replaceEmpty(path: string, target: string, attributes: Omit<Attributes, "mode">): boolean {
    const real = this.#find(path);
    if (real === undefined || this.#nodes.get(real)?.kind !== "directory") return false;
    if (this.entriesIn(real).length > 0) return false;
    this.#attempt(real, () => rmdirSync(this.#at(real)));
    this.#nodes.delete(real);
    this.#directories.delete(real);
    this.#resolved.clear();
    this.symlink(path, target, attributes);
    return true;
  }

  /** A further name of a file that is in the tree. */
  hardlink(path: string, existing: string, attributes: Attributes, owner?: string): void {
    const source = this.#find(existing);
    const node = source === undefined ? undefined : this.#nodes.get(source);
    if (source === undefined || node === undefined || node.kind === "directory")
      throw new LighterError(
        "PACKAGE_INVALID",
        `cannot unpack "${path}": it links to "${existing}", which is no file`,
      );
    const real = this.#clear(path, attributes);
    this.#attempt(real, () => linkSync(this.#at(source), this.#at(real)));
    this.#hasLinks = true;
    this.#nodes.set(real, { ...node, owner });
  }

  /** Sets what could not be set while entries were being added: attributes and times of directories, deepest first. */
  finish(): void {
    const deepestFirst = [...this.#directories].sort(([a], [b]) => (a < b ? 1 : -1));
    for (const [path, { mode, uid, gid, mtimeSeconds }] of deepestFirst)
      this.#attempt(path, () => {
        const at = this.#at(path);
        if (uid !== ownId.uid || gid !== ownId.gid) lchownSync(at, uid, gid);
        chmodSync(at, mode);
        utimesSync(at, mtimeSeconds, mtimeSeconds);
      });
  }

  /** A free place for a file or link at `path`. */
  #clear(path: string, attributes: Attributes): string {
    const real = this.#place(path, attributes);
    const existing = this.#nodes.get(real);
    if (existing === undefined) return real;
    if (existing.kind === "directory") throw occupied(path, existing);
    this.#attempt(real, () => rmSync(this.#at(real)));
    if (existing.kind === "symlink") this.#resolved.clear();
    this.#nodes.delete(real);
    return real;
  }

  /** Real path for a new entry; directories on the way that no package brought are made. */
  #place(path: string, { mtimeSeconds }: Attributes): string {
    const slash = path.lastIndexOf("/");
    if (slash < 0) return path;
    const parent = path.slice(0, slash);
    let real = this.#resolved.get(parent);
    if (real === undefined) {
      if (this.#find(parent) === undefined)
        this.directory(parent, { mode: 0o755, uid: 0, gid: 0, mtimeSeconds });
      real = this.resolve(parent);
      if (real === undefined || this.#nodes.get(real)?.kind !== "directory")
        throw new LighterError("PACKAGE_INVALID", `cannot unpack "${path}": "${parent}" is no directory`);
      this.#resolved.set(parent, real);
    }
    return real === "" ? path.slice(slash + 1) : `${real}/${path.slice(slash + 1)}`;
  }

  /** Real path of an entry whose last part is not followed. */
  #find(path: string): string | undefined {
    const slash = path.lastIndexOf("/");
    const parent = slash < 0 ? "" : this.resolve(path.slice(0, slash));
    if (parent === undefined) return undefined;
    const real = parent === "" ? path.slice(slash + 1) : `${parent}/${path.slice(slash + 1)}`;
    return this.#nodes.has(real) ? real : undefined;
  }

  #follow(path: string, depth: number): string | undefined {
    if (depth > linkLimit) return undefined;
    let real = "";
    for (const part of path.split("/")) {
      if (part === "" || part === ".") continue;
      if (part === "..") {
        real = real.slice(0, Math.max(0, real.lastIndexOf("/")));
        continue;
      }
      const next = real === "" ? part : `${real}/${part}`;
      const node = this.#nodes.get(next);
      if (node === undefined) return undefined;
      if (node.kind !== "symlink") {
        real = next;
        continue;
      }
      const target = node.target.startsWith("/") ? node.target : `${real}/${node.target}`;
      const followed = this.#follow(target, depth + 1);
      if (followed === undefined) return undefined;
      real = followed;
    }
    return real;
  }

  #isDirectory(path: string): boolean {
    const real = this.resolve(path);
    return real !== undefined && this.#nodes.get(real)?.kind === "directory";
  }

  #at(real: string): string {
    return `${this.#root}/${real}`;
  }

  #attempt<T>(path: string, action: () => T): T {
    try {
      return action();
    } catch (error) {
      const known = storeError(path, error);
      if (known !== error || error instanceof LighterError) throw known;
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EPERM")
        throw new LighterError(
          "PRIVILEGE_MISSING",
          `cannot unpack "${path}": changing its owner needs root`,
          {
            cause: error,
          },
        );
      throw new LighterError("PACKAGE_INVALID", `cannot unpack "${path}": ${(error as Error).message}`, {
        cause: error,
      });
    }
  }
}

function setAttributes(fd: number, { mode, uid, gid, mtimeSeconds }: Attributes, isExact: boolean): void {
  // Owner first: changing it clears set-id bits.
  if (uid !== ownId.uid || gid !== ownId.gid) fchownSync(fd, uid, gid);
  if (!isExact) fchmodSync(fd, mode);
  futimesSync(fd, mtimeSeconds, mtimeSeconds);
}

function occupied(path: string, existing: TreeNode): LighterError {
  const owner = existing.owner === undefined ? "" : ` of package "${existing.owner}"`;
  return new LighterError(
    "PACKAGES_CONFLICT",
    `cannot unpack "${path}": a ${existing.kind}${owner} stands there`,
  );
}
