import {
  chmodSync,
  closeSync,
  constants,
  createReadStream,
  ftruncateSync,
  linkSync,
  openSync,
  readFileSync,
  readSync,
  symlinkSync,
  writeSync,
} from "node:fs";
import { createGunzip, gunzipSync, constants as zlib } from "node:zlib";
import { type TarEntry, TarReader } from "#archive";
import { isLighterError, LighterError } from "#base";
import type { Host } from "#host";
import type { Ids } from "../copy/owner.ts";
import { setOwner, setTime, type UpperWriter } from "../copy/upper-writer.ts";
import { resolveInTree } from "../tree/resolve.ts";
import { baseName, cleanPath, type Entry, joinPath, parentPath, type Tree } from "../tree/tree.ts";

type Compression = "none" | "gzip" | "bzip2" | "xz" | "zstd";

export interface UnpackHost {
  readonly codecs: Host["codecs"];
  readonly files: Host["files"];
  readonly processes: Host["processes"];
}

const magics: readonly (readonly [Compression, readonly number[]])[] = [
  ["gzip", [0x1f, 0x8b, 0x08]],
  ["bzip2", [0x42, 0x5a, 0x68]],
  ["xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd]],
];

const probeBytes = 1 << 16;

/** Whether the file is a tar archive, plain or compressed, by its content: its first header is read. */
export async function isArchive(entry: Entry, host: UnpackHost): Promise<boolean> {
  const start = readStart(entry);
  const compression = compressionOf(start);
  if (compression === "none") return startsTar(start);
  if (compression === "gzip") return startsTar(gunzipStart(start));
  return await decompressWhole(entry, compression, host).then(
    (bytes) => startsTar(bytes.subarray(0, probeBytes)),
    () => false,
  );
}

function readStart(entry: Entry): Buffer {
  const fd = openSync(entry.location, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const buffer = Buffer.alloc(probeBytes);
    return buffer.subarray(0, readSync(fd, buffer, 0, probeBytes, 0));
  } finally {
    closeSync(fd);
  }
}

function compressionOf(start: Buffer): Compression {
  return magics.find(([, magic]) => magic.every((byte, at) => start[at] === byte))?.[0] ?? "none";
}

function gunzipStart(start: Buffer): Buffer {
  try {
    return gunzipSync(start, { finishFlush: zlib.Z_SYNC_FLUSH });
  } catch {
    return Buffer.alloc(0); // no gzip after all: then it is a plain file
  }
}

function startsTar(start: Uint8Array): boolean {
  let found = false;
  const reader = new TarReader({
    onEntry() {
      found = true;
    },
    onData() {},
    onEntryEnd() {},
  });
  try {
    for (let at = 0; at < start.length && !found; at += 512) reader.write(start.subarray(at, at + 512));
  } catch (error) {
    if (!isLighterError(error)) throw error;
  }
  return found;
}

async function decompressWhole(
  entry: Entry,
  compression: Compression,
  host: UnpackHost,
): Promise<Uint8Array> {
  const bytes = readFileSync(entry.location);
  if (compression === "xz") return await host.codecs.xz(bytes);
  if (compression === "zstd") return await host.codecs.zstd(bytes);
  const { status, stdout, stderr } = await host.processes.run("bzip2", ["-dc"], { input: bytes });
  if (status !== 0)
    throw new LighterError(
      "ARCHIVE_INVALID",
      `cannot decompress "${entry.location}": ${stderr.toString().trim()}`,
    );
  return stdout;
}

export interface UnpackOptions {
  readonly archive: Entry;
  readonly destination: string;
  readonly owner: Ids | undefined;
  readonly host: UnpackHost;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Unpacks the archive into a directory of the tree as `tar -x` in a chroot of that directory would: links in the way
 * are followed inside it only, and what is there already is replaced, directories excepted.
 * @throws ARCHIVE_INVALID
 */
export async function unpackInto(writer: UpperWriter, options: UnpackOptions): Promise<void> {
  const root = writer.resolve(options.destination);
  writer.makeDirectories(root, { mode: 0o755, owner: options.owner ?? { uid: 0, gid: 0 } });
  const unpacker = new Unpacker(writer, root, options);
  const reader = new TarReader(unpacker);
  for await (const chunk of decompressed(options.archive, options.host)) {
    options.signal?.throwIfAborted();
    reader.write(chunk);
  }
  reader.end();
  unpacker.finish();
}

async function* decompressed(entry: Entry, host: UnpackHost): AsyncIterable<Uint8Array> {
  const compression = compressionOf(readStart(entry));
  if (compression === "none" || compression === "gzip") {
    const stream = createReadStream(entry.location, { highWaterMark: 1 << 20 });
    yield* compression === "none" ? stream : stream.pipe(createGunzip({ chunkSize: 1 << 20 }));
    return;
  }
  yield await decompressWhole(entry, compression, host);
}

class Unpacker {
  readonly #writer: UpperWriter;
  readonly #root: string;
  readonly #options: UnpackOptions;
  readonly #inRoot: Tree;
  readonly #atEnd: (() => void)[] = [];
  #fd: number | undefined;
  #path = "";

  constructor(writer: UpperWriter, root: string, options: UnpackOptions) {
    this.#writer = writer;
    this.#root = root;
    this.#options = options;
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
        this.#fd = openSync(location, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
        return;
      case "symlink":
        symlinkSync(entry.linkPath, location);
        return this.#finishEntry(entry, location);
      case "hardlink":
        return this.#link(entry, location);
      default:
        this.#options.host.files.makeNode(location, nodeType(entry.kind) | entry.mode, entry.device);
        return this.#finishEntry(entry, location);
    }
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
    this.#atEnd.push(() => this.#finishEntry(entry, location));
  }

  #finishEntry(entry: TarEntry, location: string): void {
    setOwner(location, this.#owner(entry));
    if (entry.kind !== "symlink") chmodSync(location, entry.mode);
    for (const [name, value] of entry.xattrs) this.#setXattr(location, name, value);
    setTime(location, entry.mtimeSeconds + entry.mtimeNanoseconds / 1e9);
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
