import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { join, posix } from "node:path";
import { type TarEntry, TarReader } from "#archive";
import { LighterError, systemErrorCode } from "#base";
import { compressionOf } from "../../compression.ts";

/** Files by path, wherever they lie: in a directory, or in an archive that is read where it lies. */
export interface FileView {
  readonly description: string;
  findSize(path: string): number | undefined;
  /** A chunk stays valid. */
  open(path: string, offsetBytes?: number): Iterable<Buffer>;
}

const chunkBytes = 1 << 20;
const documentLimitBytes = 4 << 20;

/** A directory. Only names that this room makes are asked for; a link in one is the user's own. */
export function directoryView(directory: string): FileView {
  const find = (path: string): Part | undefined => {
    try {
      const fd = openSync(join(directory, path), "r");
      const stats = fstatSync(fd);
      closeSync(fd);
      return stats.isFile() ? { path: join(directory, path), start: 0, size: stats.size } : undefined;
    } catch (error) {
      if (["ENOENT", "ENOTDIR"].includes(systemErrorCode(error) ?? "")) return undefined;
      throw unreadable(directory, error);
    }
  };
  return viewOf(directory, find);
}

/** A tar archive, not compressed: it is read once to find its files. @throws ARCHIVE_INVALID */
export function archiveView(path: string): FileView {
  const parts = indexArchive(path);
  return viewOf(path, (name) => parts.get(name));
}

/** The whole of a small file. @throws IMAGE_INVALID when it is absent or too long */
export function readDocument(view: FileView, path: string): Buffer {
  const size = view.findSize(path);
  if (size === undefined) throw invalid(view, `it has no ${path}`);
  if (size > documentLimitBytes)
    throw invalid(view, `its ${path} is longer than ${documentLimitBytes} bytes`);
  return Buffer.concat([...view.open(path)]);
}

export function invalid(view: Pick<FileView, "description">, why: string): LighterError {
  return new LighterError("IMAGE_INVALID", `cannot read image "${view.description}": ${why}`);
}

/** A piece of a file on the disk. */
export interface Part {
  readonly path: string;
  readonly start: number;
  readonly size: number;
}

function viewOf(description: string, find: (path: string) => Part | undefined): FileView {
  return {
    description,
    findSize: (path) => find(path)?.size,
    *open(path, offsetBytes = 0) {
      const part = find(path);
      if (part === undefined) throw invalid({ description }, `it has no ${path}`);
      yield* readPart(part, offsetBytes);
    },
  };
}

/** The bytes of a part, unverified, in chunks of their own. */
export function* readPart(part: Part, offsetBytes: number): Generator<Buffer, void, undefined> {
  const fd = openSync(part.path, "r");
  try {
    const end = part.start + part.size;
    for (let at = part.start + offsetBytes; at < end; ) {
      const buffer = Buffer.allocUnsafeSlow(Math.min(chunkBytes, end - at));
      const length = readSync(fd, buffer, 0, buffer.length, at);
      if (length === 0) return;
      at += length;
      yield buffer.subarray(0, length);
    }
  } finally {
    closeSync(fd);
  }
}

function indexArchive(path: string): ReadonlyMap<string, Part> {
  const index = new ArchiveIndex(path);
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (error) {
    throw unreadable(path, error);
  }
  try {
    const buffer = Buffer.allocUnsafeSlow(chunkBytes);
    for (let at = 0; ; ) {
      const length = readSync(fd, buffer, 0, chunkBytes, at);
      if (length === 0) break;
      index.write(buffer.subarray(0, length), at);
      at += length;
    }
  } finally {
    closeSync(fd);
  }
  return index.end();
}

/** Where the files of an archive lie, links followed. */
class ArchiveIndex {
  readonly #path: string;
  readonly #parts = new Map<string, Part>();
  readonly #links = new Map<string, string>();
  readonly #reader: TarReader;
  #chunk: Buffer = Buffer.alloc(0);
  #chunkAt = 0;
  #start: number | undefined;

  constructor(path: string) {
    this.#path = path;
    this.#reader = new TarReader({
      onEntry: (entry) => this.#begin(entry),
      onData: (bytes, offset) => {
        // The bytes are a window on the chunk, which tells where in the archive they stand.
        if (offset === 0) this.#start = this.#chunkAt + bytes.byteOffset - this.#chunk.byteOffset;
      },
      onEntryEnd: (entry) => this.#finish(entry),
    });
  }

  write(chunk: Buffer, at: number): void {
    if (at === 0 && compressionOf(chunk) !== "uncompressed")
      throw new LighterError(
        "COMPRESSION_UNSUPPORTED",
        `cannot read image "${this.#path}": the archive is compressed as a whole; decompress it first, or use lighter load`,
      );
    this.#chunk = chunk;
    this.#chunkAt = at;
    this.#reader.write(chunk);
  }

  end(): ReadonlyMap<string, Part> {
    this.#reader.end();
    for (const [name, target] of this.#links) {
      const part = this.#parts.get(target);
      if (part !== undefined) this.#parts.set(name, part);
    }
    return this.#parts;
  }

  #begin(entry: TarEntry): void {
    const name = normalize(entry.path);
    this.#start = undefined;
    if (entry.kind === "symlink")
      this.#links.set(name, normalize(posix.join(posix.dirname(name), entry.linkPath)));
    if (entry.kind === "hardlink") this.#links.set(name, normalize(entry.linkPath));
  }

  #finish(entry: TarEntry): void {
    if (entry.kind !== "file" || entry.segments !== undefined) return;
    if (entry.sizeBytes > 0 && this.#start === undefined) return;
    this.#parts.set(normalize(entry.path), {
      path: this.#path,
      start: this.#start ?? 0,
      size: entry.sizeBytes,
    });
  }
}

function normalize(path: string): string {
  return posix.normalize(`/${path}`).slice(1);
}

function unreadable(path: string, error: unknown): LighterError {
  const state =
    systemErrorCode(error) === "ENOENT" ? "there is no such file" : String(systemErrorCode(error) ?? error);
  return new LighterError("ARGUMENT_INVALID", `cannot read image "${path}": ${state}`, { cause: error });
}
