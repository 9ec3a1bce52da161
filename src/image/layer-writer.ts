import {
  closeSync,
  constants,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  type Stats,
} from "node:fs";
import {
  decodeName,
  encodeName,
  formatTarHeader,
  hasEscapes,
  type TarEntry,
  tarEnd,
  tarEntry,
  tarPadding,
} from "#archive";
import { LighterError } from "#base";
import type { Files } from "#host";
import { opaqueWhiteout, whiteoutPrefix } from "#oci";
import { isOpaque, isOverlayXattr, isWhiteout } from "#snapshot";
import type { LayerTimes } from "./image-store.ts";

const bufferBytes = 1 << 20;

/** Attributes that belong in an image: what programs set, and file capabilities. As BuildKit chooses. */
function isLayerXattr(name: string): boolean {
  return (name.startsWith("user.") && !isOverlayXattr(name)) || name === "security.capability";
}

/**
 * Writes the changes that a directory in overlay form holds as an OCI layer, uncompressed: names sorted by their bytes,
 * whiteouts as `.wh.` files, one full entry and then hard links for a file with several names, times in whole seconds, no
 * user names. The same tree always gives the same bytes. The root directory itself is not part of it.
 *
 * Chunks are valid until `sink` returns. Memory stays flat.
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md
 */
export function writeLayer(
  directory: string,
  options: { readonly files: Files; readonly times?: LayerTimes | undefined },
  sink: (bytes: Uint8Array) => void,
): void {
  new LayerWriter(directory, options, sink).write();
}

class LayerWriter {
  readonly #root: string;
  readonly #files: Files;
  readonly #times: LayerTimes | undefined;
  readonly #sink: (bytes: Uint8Array) => void;
  readonly #buffer = Buffer.allocUnsafeSlow(bufferBytes);
  #used = 0;
  /** First name of each file that has several. */
  readonly #firstNames = new Map<string, string>();

  constructor(
    root: string,
    options: { readonly files: Files; readonly times?: LayerTimes | undefined },
    sink: (bytes: Uint8Array) => void,
  ) {
    this.#root = root;
    this.#files = options.files;
    this.#times = options.times;
    this.#sink = sink;
  }

  write(): void {
    this.#writeChildren("");
    this.#put(tarEnd);
    this.#flush();
  }

  #writeChildren(directory: string): void {
    const prefix = directory === "" ? "" : `${directory}/`;
    for (const name of readNames(this.#path(directory))) this.#writeEntry(prefix + name, prefix, name);
  }

  #writeEntry(path: string, prefix: string, name: string): void {
    const stats = lstatSync(this.#path(path));
    if (isWhiteout(stats)) {
      this.#put(formatTarHeader(whiteoutEntry(`${prefix}${whiteoutPrefix}${name}`)));
      return;
    }
    if (name.startsWith(whiteoutPrefix))
      throw new LighterError(
        "IMAGE_INVALID",
        `cannot put "/${path}" into a layer: names that begin with ${whiteoutPrefix} mean removal there; rename it`,
      );
    if (stats.isSocket()) return;
    if (stats.isDirectory()) this.#writeDirectory(path, stats);
    else this.#writeLeaf(path, stats);
  }

  #writeDirectory(path: string, stats: Stats): void {
    const names = this.#xattrNames(path);
    this.#put(formatTarHeader(this.#entry(path, stats, names)));
    if (names.length > 0 && isOpaque(this.#files, this.#textPath(path)))
      this.#put(formatTarHeader(whiteoutEntry(`${path}/${opaqueWhiteout}`)));
    this.#writeChildren(path);
  }

  #writeLeaf(path: string, stats: Stats): void {
    if (stats.nlink > 1) {
      const key = `${stats.dev}:${stats.ino}`;
      const first = this.#firstNames.get(key);
      if (first !== undefined) {
        this.#put(
          formatTarHeader({
            ...this.#entry(path, stats, []),
            kind: "hardlink",
            linkPath: first,
            sizeBytes: 0,
          }),
        );
        return;
      }
      this.#firstNames.set(key, path);
    }
    if (stats.isFile()) this.#writeFile(path, stats);
    else this.#put(formatTarHeader(this.#entry(path, stats, this.#xattrNames(path))));
  }

  #writeFile(path: string, stats: Stats): void {
    this.#put(formatTarHeader(this.#entry(path, stats, this.#xattrNames(path))));
    if (stats.size === 0) return;
    const fd = openSync(this.#path(path), constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      this.#copy(fd, path, stats.size);
    } finally {
      closeSync(fd);
    }
    this.#put(tarPadding(stats.size));
  }

  /** Reads straight into the output buffer. */
  #copy(fd: number, path: string, sizeBytes: number): void {
    for (let left = sizeBytes; left > 0; ) {
      if (this.#used === bufferBytes) this.#flush();
      const length = readSync(fd, this.#buffer, this.#used, Math.min(left, bufferBytes - this.#used), null);
      if (length === 0)
        throw new LighterError(
          "IMAGE_INVALID",
          `cannot put "/${path}" into a layer: it became shorter while it was read`,
        );
      this.#used += length;
      left -= length;
    }
  }

  #put(bytes: Uint8Array): void {
    if (bytes.length > bufferBytes - this.#used) this.#flush();
    if (bytes.length > bufferBytes) {
      this.#sink(bytes);
      return;
    }
    this.#buffer.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  #flush(): void {
    if (this.#used > 0) this.#sink(this.#buffer.subarray(0, this.#used));
    this.#used = 0;
  }

  #entry(path: string, stats: Stats, xattrNames: readonly string[]): TarEntry {
    const kind = kindOf(path, stats);
    return tarEntry({
      kind,
      path,
      mode: stats.mode & 0o7777,
      uid: stats.uid,
      gid: stats.gid,
      sizeBytes: kind === "file" ? stats.size : 0,
      mtimeSeconds: this.#times?.of(stats.mtimeMs) ?? Math.floor(stats.mtimeMs / 1000),
      linkPath: kind === "symlink" ? decodeName(readlinkSync(this.#path(path), "buffer")) : "",
      ...(stats.rdev !== 0 && { device: deviceOf(stats.rdev) }),
      ...(xattrNames.length > 0 && { xattrs: this.#xattrs(path, xattrNames) }),
    });
  }

  #xattrNames(path: string): readonly string[] {
    return hasEscapes(path) ? [] : this.#files.listXattrs(this.#textPath(path));
  }

  #xattrs(path: string, names: readonly string[]): ReadonlyMap<string, Uint8Array> {
    const xattrs = new Map<string, Uint8Array>();
    for (const name of names.filter(isLayerXattr)) {
      const value = this.#files.getXattr(this.#textPath(path), name);
      if (value !== undefined) xattrs.set(name, value);
    }
    return xattrs;
  }

  #textPath(path: string): string {
    return `${this.#root}/${path}`;
  }

  #path(path: string): string | Buffer {
    const full = path === "" ? this.#root : `${this.#root}/${path}`;
    return hasEscapes(path) ? encodeName(full) : full;
  }
}

/** Names in the order of their bytes, the same on every filesystem. */
function readNames(directory: string | Buffer): readonly string[] {
  let names = readdirSync(directory);
  if (names.some((name) => name.includes("\ufffd"))) names = readdirSync(directory, "buffer").map(decodeName);
  const isAscii = names.every((name) => !/[^\x00-\x7f]/.test(name));
  return isAscii ? names.sort() : names.sort((a, b) => Buffer.compare(encodeName(a), encodeName(b)));
}

function kindOf(path: string, stats: Stats): TarEntry["kind"] {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "directory";
  if (stats.isSymbolicLink()) return "symlink";
  if (stats.isCharacterDevice()) return "character";
  if (stats.isBlockDevice()) return "block";
  if (stats.isFIFO()) return "fifo";
  throw new LighterError(
    "IMAGE_INVALID",
    `cannot put "/${path}" into a layer: it is of no kind that a layer can hold`,
  );
}

/** Whiteouts stand for nothing that has a time; 0 keeps the layer the same on every run. */
function whiteoutEntry(path: string): TarEntry {
  return tarEntry({ path, mode: 0 });
}

function deviceOf(rdev: number): { major: number; minor: number } {
  const device = BigInt(rdev);
  return {
    major: Number((device >> 8n) & 0xfffn),
    minor: Number((device & 0xffn) | ((device >> 12n) & 0xfff00n)),
  };
}
