import { lstatSync, readdirSync, readlinkSync, type Stats } from "node:fs";
import {
  decodeName,
  encodeName,
  formatTarHeader,
  hasEscapes,
  type TarEntry,
  tarEntry,
  tarPadding,
} from "#archive";
import { LighterError } from "#base";
import type { Files } from "#host";
import { opaqueWhiteout, whiteoutPrefix } from "#oci";
import { isOpaque, isOverlayXattr, isWhiteout } from "#snapshot";
import type { DeferredTree } from "./deferred-layer.ts";
import type { DeferredFile, LayerTimes } from "./image-store.ts";
import type { LayerMapWriter } from "./layer-map.ts";

/** A header of the layer and, for a file, where its data is to be read. */
export interface LayerPiece {
  readonly header: Buffer;
  readonly file?: {
    readonly path: string | Buffer;
    readonly sizeBytes: number;
    /** What a file that is not the store's own had when it was chosen: one that has changed since is reported. */
    readonly ctimeMs?: number;
  };
}

export interface LayerOptions {
  readonly files: Files;
  readonly times?: LayerTimes | undefined;
  /** Files that belong to the tree and lie elsewhere. */
  readonly deferred?: DeferredTree | undefined;
  /** Told of a deferred file that changed while it was read. */
  readonly onChanged?: (path: string) => void;
  /** Told of the length of each file and link that is written whole. */
  readonly onFile?: (sizeBytes: number) => void;
  /** Told where every entry goes. */
  readonly map?: LayerMapWriter | undefined;
  /** Names are written as `./name`, and the directory itself, as `./`, comes first. */
  readonly isRooted?: boolean;
  /** Directories that stand in the layer without what is in them. */
  readonly isEmptied?: (stats: Stats) => boolean;
}

/** Attributes that belong in an image: what programs set, and file capabilities. As BuildKit chooses. */
function isLayerXattr(name: string): boolean {
  return (name.startsWith("user.") && !isOverlayXattr(name)) || name === "security.capability";
}

/** Turns what stands below a directory in overlay form into headers of a layer, in the order of the layer. */
export class LayerWalk {
  readonly #root: string;
  readonly #files: Files;
  readonly #times: LayerTimes | undefined;
  readonly #deferred: DeferredTree | undefined;
  readonly #onFile: ((sizeBytes: number) => void) | undefined;
  readonly #map: LayerMapWriter | undefined;
  readonly #isRooted: boolean;
  readonly #isEmptied: (stats: Stats) => boolean;
  /** First name of each file that has several. */
  readonly #firstNames = new Map<string, string>();

  constructor(root: string, options: LayerOptions) {
    this.#root = root;
    this.#files = options.files;
    this.#times = options.times;
    this.#deferred = options.deferred;
    this.#onFile = options.onFile;
    this.#map = options.map;
    this.#isRooted = options.isRooted === true;
    this.#isEmptied = options.isEmptied ?? (() => false);
  }

  *pieces(): Generator<LayerPiece, void, undefined> {
    if (this.#isRooted) yield piece(this.#entry("", lstatSync(this.#root), this.#xattrNames("")));
    // A stack of names instead of recursion: one generator serves the whole tree.
    const waiting = this.#isEmptied(lstatSync(this.#root)) ? [] : this.#children("");
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      const deferred = this.#deferred?.find(path);
      if (deferred !== undefined) {
        yield this.#deferredPiece(path, deferred);
        continue;
      }
      const stats = lstatSync(this.#path(path));
      yield* this.#piecesOf(path, stats);
      if (!stats.isDirectory() || this.#isEmptied(stats)) continue;
      for (const child of this.#children(path)) waiting.push(child);
    }
  }

  /** Paths in the directory, the first last. */
  #children(directory: string): string[] {
    const prefix = directory === "" ? "" : `${directory}/`;
    return readNames(this.#path(directory), this.#deferred?.names(directory) ?? [])
      .map((name) => prefix + name)
      .reverse();
  }

  #deferredPiece(path: string, file: DeferredFile): LayerPiece {
    checkName(path);
    const first = this.#firstDeferredName(path, file);
    const { mode, uid, gid, sizeBytes } = file;
    const mtimeSeconds = fileSeconds(file, this.#times);
    const entry = { path, mode: mode & 0o7777, uid, gid, mtimeSeconds };
    if (first !== undefined) return piece(tarEntry({ ...entry, kind: "hardlink", linkPath: first }));
    this.#onFile?.(sizeBytes);
    const own = deferredPiece(file, mtimeSeconds);
    this.#map?.file(path, file, { lengthBytes: pieceBytes(own), layerSeconds: mtimeSeconds });
    return own;
  }

  #firstDeferredName(path: string, { link }: DeferredFile): string | undefined {
    if (link === undefined && this.#deferred?.isLinked(path) !== true) return undefined;
    this.#map?.special();
    const key = `/${link ?? path}`;
    const first = this.#firstNames.get(key);
    if (first === undefined) this.#firstNames.set(key, path);
    return first;
  }

  #piecesOf(path: string, stats: Stats): readonly LayerPiece[] {
    const slash = path.lastIndexOf("/") + 1;
    if (!stats.isDirectory() && !(stats.isSymbolicLink() && stats.nlink === 1)) this.#map?.special();
    if (isWhiteout(stats))
      return [piece(whiteoutEntry(`${path.slice(0, slash)}${whiteoutPrefix}${path.slice(slash)}`))];
    checkName(path);
    if (stats.isSocket()) return [];
    return stats.isDirectory() ? this.#directoryPieces(path, stats) : [this.#leafPiece(path, stats)];
  }

  #directoryPieces(path: string, stats: Stats): readonly LayerPiece[] {
    const names = this.#xattrNames(path);
    const own = piece(this.#entry(path, stats, names));
    const hidesBelow = names.length > 0 && isOpaque(this.#files, this.#textPath(path));
    if (names.some((name) => isLayerXattr(name) || isOverlayXattr(name))) this.#map?.special();
    this.#noteOther(path, stats, own);
    return hidesBelow ? [own, piece(whiteoutEntry(`${path}/${opaqueWhiteout}`))] : [own];
  }

  #leafPiece(path: string, stats: Stats): LayerPiece {
    const first = this.#firstName(path, stats);
    if (first !== undefined)
      return piece({
        ...this.#entry(path, stats, []),
        kind: "hardlink",
        linkPath: this.#written(first),
        sizeBytes: 0,
      });
    const own = piece(this.#entry(path, stats, this.#xattrNames(path)));
    this.#noteOther(path, stats, own);
    this.#onFile?.(stats.size);
    return stats.isFile() && stats.size > 0
      ? { ...own, file: { path: this.#path(path), sizeBytes: stats.size } }
      : own;
  }

  #noteOther(path: string, stats: Stats, own: LayerPiece): void {
    this.#map?.other(path, stats, { lengthBytes: own.header.length, layerSeconds: this.#secondsOf(stats) });
  }

  #secondsOf({ mtimeMs }: Stats): number {
    return this.#times?.of(mtimeMs) ?? Math.floor(mtimeMs / 1000);
  }

  /** The name under which the file is in the layer already. */
  #firstName(path: string, stats: Stats): string | undefined {
    if (stats.nlink < 2) return undefined;
    const key = `${stats.dev}:${stats.ino}`;
    const first = this.#firstNames.get(key);
    if (first === undefined) this.#firstNames.set(key, path);
    return first;
  }

  #entry(path: string, stats: Stats, xattrNames: readonly string[]): TarEntry {
    const kind = kindOf(path, stats);
    return tarEntry({
      kind,
      path: this.#written(path),
      mode: stats.mode & 0o7777,
      uid: stats.uid,
      gid: stats.gid,
      sizeBytes: kind === "file" ? stats.size : 0,
      mtimeSeconds: this.#secondsOf(stats),
      linkPath: kind === "symlink" ? decodeName(readlinkSync(this.#path(path), "buffer")) : "",
      ...(stats.rdev !== 0 && { device: deviceOf(stats.rdev) }),
      ...(xattrNames.length > 0 && { xattrs: this.#xattrs(path, xattrNames) }),
    });
  }

  #written(path: string): string {
    if (!this.#isRooted) return path;
    return path === "" ? "." : `./${path}`;
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

/** The entry of a deferred file that is no link. */
export function deferredPiece(file: DeferredFile, mtimeSeconds: number): LayerPiece {
  const { path, mode, uid, gid, sizeBytes, source, ctimeMs } = file;
  const own = piece(tarEntry({ path, mode: mode & 0o7777, uid, gid, sizeBytes, mtimeSeconds }));
  return sizeBytes === 0 ? own : { ...own, file: { path: source, sizeBytes, ctimeMs } };
}

/** The time of a deferred file in a layer. */
export function fileSeconds(
  { seconds }: Pick<DeferredFile, "seconds">,
  times: LayerTimes | undefined,
): number {
  return times?.of(seconds * 1000) ?? Math.floor(seconds);
}

/** How much of the layer an entry takes. */
export function pieceBytes({ header, file }: LayerPiece): number {
  return header.length + (file === undefined ? 0 : file.sizeBytes + tarPadding(file.sizeBytes).length);
}

function piece(entry: TarEntry): LayerPiece {
  return { header: formatTarHeader(entry) };
}

function checkName(path: string): void {
  if (path.startsWith(whiteoutPrefix, path.lastIndexOf("/") + 1))
    throw new LighterError(
      "IMAGE_INVALID",
      `cannot put "/${path}" into a layer: names that begin with ${whiteoutPrefix} mean removal there; rename it`,
    );
}

/** Names in the order of their bytes, the same on every filesystem. */
function readNames(directory: string | Buffer, others: readonly string[]): readonly string[] {
  let names = readdirSync(directory);
  if (names.some((name) => name.includes("\ufffd"))) names = readdirSync(directory, "buffer").map(decodeName);
  names.push(...others);
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
