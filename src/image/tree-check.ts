import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync } from "node:fs";
import { posix } from "node:path";
import { hasEscapes, type TarEntry, TarReader, type TarSink } from "#archive";
import type { Host } from "#host";
import { whiteoutPrefix } from "#oci";

/** Compares the tree that a layer was laid out to with the layer, while the layer's bytes pass by. Modes and times are not looked at. */
export class TreeCheck {
  readonly #different = new Set<string>();
  readonly #reader: TarReader;

  constructor(root: string, host: Pick<Host, "files">) {
    this.#reader = new TarReader(new Comparison(root, host, this.#different));
  }

  write(chunk: Uint8Array): void {
    this.#reader.write(chunk);
  }

  /** A path at which they differ; undefined when there is none. */
  end(): string | undefined {
    this.#reader.end();
    return [...this.#different].at(0);
  }
}

class Comparison implements TarSink {
  readonly #root: string;
  readonly #files: Host["files"];
  readonly #different: Set<string>;
  #fd: number | undefined;
  #path = "";
  #buffer = Buffer.alloc(0);

  constructor(root: string, { files }: Pick<Host, "files">, different: Set<string>) {
    this.#root = root;
    this.#files = files;
    this.#different = different;
  }

  onEntry(entry: TarEntry): void {
    this.#path = posix.join("/", entry.path);
    // Of several entries of one name the last one stands.
    this.#different.delete(this.#path);
    const isTold = !posix.basename(this.#path).startsWith(whiteoutPrefix) && !hasEscapes(entry.path);
    if (this.#path === "/" || !isTold) return;
    if (!this.#isAlike(entry)) this.#different.add(this.#path);
  }

  #isAlike({ kind, sizeBytes, linkPath }: TarEntry): boolean {
    const place = this.#files.openInRoot(this.#root, this.#path, { followLast: false });
    if (place === undefined) return false;
    try {
      const stats = fstatSync(place);
      switch (kind) {
        case "file":
          if (!stats.isFile() || stats.size !== sizeBytes) return false;
          this.#fd = openSync(`/proc/self/fd/${place}`, constants.O_RDONLY);
          return true;
        case "symlink":
          return stats.isSymbolicLink() && this.#target() === linkPath;
        case "directory":
          return stats.isDirectory();
        case "hardlink":
        case "character":
        case "block":
        case "fifo":
          return true;
      }
    } finally {
      closeSync(place);
    }
  }

  #target(): string | undefined {
    const folder = this.#files.openInRoot(this.#root, posix.dirname(this.#path));
    if (folder === undefined) return undefined;
    try {
      return readlinkSync(`/proc/self/fd/${folder}/${posix.basename(this.#path)}`);
    } finally {
      closeSync(folder);
    }
  }

  onData(bytes: Buffer, offset: number): void {
    if (this.#fd === undefined) return;
    if (this.#buffer.length < bytes.length) this.#buffer = Buffer.allocUnsafe(bytes.length);
    const length = readSync(this.#fd, this.#buffer, 0, bytes.length, offset);
    const isEqual = length === bytes.length && this.#buffer.compare(bytes, 0, bytes.length, 0, length) === 0;
    if (!isEqual) this.#different.add(this.#path);
  }

  onEntryEnd(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}
