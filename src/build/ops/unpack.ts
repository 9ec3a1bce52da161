import {
  chmodSync,
  closeSync,
  constants,
  ftruncateSync,
  linkSync,
  lstatSync,
  openSync,
  statfsSync,
  symlinkSync,
  writeSync,
} from "node:fs";
import { type TarEntry, TarReader } from "#archive";
import { isLighterError, LighterError } from "#base";
import type { Ids } from "../copy/owner.ts";
import { setOwner, setTime, type UpperWriter } from "../copy/upper-writer.ts";
import { recordedTime } from "../times/layer-time.ts";
import { resolveInTree } from "../tree/resolve.ts";
import { baseName, cleanPath, type Entry, joinPath, parentPath, type Tree } from "../tree/tree.ts";
import { decompressed, type UnpackHost } from "./archive-file.ts";

export interface UnpackOptions {
  readonly archive: Entry;
  readonly destination: string;
  readonly owner: Ids | undefined;
  readonly host: UnpackHost;
  /** Gets the modification times of the members, in seconds. */
  readonly times: Set<number>;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Unpacks the archive into a directory of the tree as `tar -x` in a chroot of that directory would: links in the way
 * are followed inside it only, and what is there already is replaced, directories excepted.
 * @throws ARCHIVE_INVALID
 */
export async function unpackInto(writer: UpperWriter, options: UnpackOptions): Promise<void> {
  const root = writer.resolve(options.destination);
  writer.makeDirectories(root, { mode: 0o755, owner: options.owner });
  const unpacker = new Unpacker(writer, root, options);
  const reader = new TarReader(unpacker);
  for await (const chunk of decompressed(options.archive, options.host)) {
    options.signal?.throwIfAborted();
    reader.write(chunk);
  }
  reader.end();
  unpacker.finish();
}

class Unpacker {
  readonly #writer: UpperWriter;
  readonly #root: string;
  readonly #options: UnpackOptions;
  readonly #inRoot: Tree;
  readonly #atEnd: (() => void)[] = [];
  #fd: number | undefined;
  #path = "";
  /** What the disk had free when the archive was opened, for the data of its files. */
  #freeBytes: number;
  /** What the disk holds at all: holes take none of it, but a layer spells them out, and nobody waits for that for ever. */
  #diskBytes: number;

  constructor(writer: UpperWriter, root: string, options: UnpackOptions) {
    this.#writer = writer;
    this.#root = root;
    this.#options = options;
    const disk = statfsSync(writer.location("/"));
    this.#freeBytes = disk.bavail * disk.bsize;
    this.#diskBytes = disk.blocks * disk.bsize;
    this.#inRoot = {
      find: (path) => writer.tree.find(joinPath(root, path)),
      list: (path) => writer.tree.list(joinPath(root, path)),
    };
  }

  onEntry(entry: TarEntry): void {
    const path = this.#place(entry.path);
    this.#path = path;
    const existing = this.#writer.tree.find(path);
    const merges = existing?.kind === "directory" && entry.kind === "directory";
    if (path === this.#root) {
      if (!merges) throw hostile(entry.path);
      return this.#finishDirectory(entry, path);
    }
    this.#writer.makeDirectories(parentPath(path), { mode: 0o755, owner: { uid: 0, gid: 0 } });
    if (merges) this.#writer.copyUp(path);
    else if (existing === undefined) this.#writer.copyUp(parentPath(path));
    else this.#writer.clear(path);
    this.#make(entry, path, merges);
  }

  /** Where a member goes: links in all but the last part are followed inside the destination. */
  #place(name: string): string {
    const clean = cleanPath(name);
    const below = joinPath(resolveInTree(this.#inRoot, parentPath(clean), true), baseName(clean));
    return joinPath(this.#root, below);
  }

  #make(entry: TarEntry, path: string, merges: boolean): void {
    const location = this.#writer.location(path);
    switch (entry.kind) {
      case "directory":
        if (!merges) this.#writer.makeDirectory(path, { mode: entry.mode, owner: this.#owner(entry) });
        return this.#finishDirectory(entry, path);
      case "file":
        this.#reserve(entry);
        this.#fd = openSync(location, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
        return;
      case "symlink":
        symlinkSync(entry.linkPath, location);
        return this.#finishEntry(entry, location);
      case "hardlink":
        return this.#link(entry, location);
      case "character":
      case "block":
      case "fifo":
        this.#options.host.files.makeNode(location, nodeType(entry.kind) | entry.mode, entry.device);
        return this.#finishEntry(entry, location);
    }
  }

  /** Refuses a bomb before it is unpacked. @throws STORE_FULL */
  #reserve({ path, sizeBytes, segments }: TarEntry): void {
    this.#freeBytes -= segments?.reduce((sum, segment) => sum + segment.sizeBytes, 0) ?? sizeBytes;
    this.#diskBytes -= sizeBytes;
    if (this.#freeBytes >= 0 && this.#diskBytes >= 0) return;
    const larger = this.#freeBytes < 0 ? "the space that the disk has left" : "the disk, holes included";
    throw new LighterError(
      "STORE_FULL",
      `cannot unpack "${path}": with its ${sizeBytes} bytes the archive is larger than ${larger}; free some space, or use --root on a larger disk`,
    );
  }

  #link(entry: TarEntry, location: string): void {
    const target = this.#place(entry.linkPath);
    const source = this.#writer.tree.find(target);
    if (source === undefined || source.kind === "directory")
      throw new LighterError(
        "ARCHIVE_INVALID",
        `cannot unpack hard link "${entry.path}": its target "${entry.linkPath}" is not there`,
      );
    if (source.location !== this.#writer.location(target)) throw hostile(entry.path);
    linkSync(source.location, location);
  }

  onData(bytes: Buffer, offset: number): void {
    const fd = this.#fd;
    if (fd === undefined) return;
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at, offset + at);
  }

  onEntryEnd(entry: TarEntry): void {
    if (this.#fd === undefined) return;
    ftruncateSync(this.#fd, entry.sizeBytes);
    closeSync(this.#fd);
    this.#fd = undefined;
    this.#finishEntry(entry, this.#writer.location(this.#path));
  }

  #finishDirectory(entry: TarEntry, path: string): void {
    const location = this.#writer.location(path);
    this.#writer.copyUp(path);
    const { dev, ino } = lstatSync(location);
    this.#atEnd.push(() => {
      // A later member may have put a link in its place, or in that of a directory above: that leads out of the tree.
      const now = lstatSync(location, { throwIfNoEntry: false });
      if (now?.isDirectory() === true && now.dev === dev && now.ino === ino)
        this.#finishEntry(entry, location);
    });
  }

  #finishEntry(entry: TarEntry, location: string): void {
    setOwner(location, this.#owner(entry));
    if (entry.kind !== "symlink") chmodSync(location, entry.mode);
    for (const [name, value] of entry.xattrs) this.#setXattr(location, name, value);
    const seconds = entry.mtimeSeconds + entry.mtimeNanoseconds / 1e9;
    setTime(location, seconds);
    this.#options.times.add(recordedTime(seconds * 1000));
  }

  #setXattr(location: string, name: string, value: Uint8Array): void {
    // Overlay's own attributes in an archive would change what other layers show.
    if (name.startsWith("trusted.")) return;
    try {
      this.#options.host.files.setXattr(location, name, value);
    } catch (error) {
      if (!isLighterError(error)) throw error; // best effort, as BuildKit
    }
  }

  #owner(entry: TarEntry): Ids {
    return this.#options.owner ?? entry;
  }

  /** Times of directories are set last, the deepest first. */
  finish(): void {
    for (const step of this.#atEnd.reverse()) step();
  }
}

function nodeType(kind: TarEntry["kind"]): number {
  if (kind === "character") return 0o020000;
  return kind === "block" ? 0o060000 : 0o010000;
}

function hostile(path: string): LighterError {
  return new LighterError("ARCHIVE_HOSTILE", `cannot unpack "${path}": it reaches out of the destination`);
}
