import {
  closeSync,
  existsSync,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { TarEntry } from "#archive";
import { isLighterError, LighterError } from "#base";
import type { Host } from "#host";
import { type Digest, isDigest } from "#oci";
import { Extraction } from "./extract/extraction.ts";

/** Where the bytes of deferred files lie: the blobs of the store. */
export interface LayerSource {
  /** Undefined when it is absent. */
  findSize(digest: Digest): number | undefined;
  /** The bytes, synchronously; the last step throws when they are not the digest's. */
  readChunks(digest: Digest): Iterable<Uint8Array>;
}

/**
 * Files that a snapshot has but that nobody has needed yet: they lie in the tar of its layer and nowhere else. The tree has
 * everything but them.
 */
export interface DeferredFiles {
  /** An uncompressed layer of the store with every one of the files, under the same path. */
  readonly layer: { readonly digest: Digest; readonly size: number };
  /** Paths in the tree, and modification times: a layer may have others. */
  readonly files: readonly { readonly path: string; readonly seconds: number }[];
}

/** How far the laying out of deferred files has come in their layer. */
export interface FillProgress {
  readonly layer: DeferredFiles["layer"];
  readonly bytes: number;
}

interface Lists {
  readonly files: readonly (readonly [path: string, seconds: number])[];
  /** Times of the directories that get the files: writing into them must not show. */
  readonly directories: readonly (readonly [path: string, seconds: number])[];
}

/** More than a digest and a number take. */
const headLimit = 128;
const filesPerPart = 2000;

/** The digest and the size of the layer, a line feed, and the lists. */
function placeOf(directory: string): string {
  return join(directory, "deferred");
}

export function hasDeferred(directory: string): boolean {
  return existsSync(placeOf(directory));
}

/** Whether one of the places of a snapshot has all its files. */
export function isComplete(place: string): boolean {
  return !hasDeferred(dirname(place));
}

/** Notes beside the tree `directory/fs` what is not in it. */
export function writeDeferred(directory: string, { layer, files }: DeferredFiles): void {
  const parents = new Set(files.map(({ path }) => path.slice(0, Math.max(0, path.lastIndexOf("/")))));
  const directories = [...parents].map((path) => [
    path,
    lstatSync(join(directory, "fs", path)).mtimeMs / 1000,
  ]);
  const fd = openSync(placeOf(directory), "w");
  try {
    writeFileSync(
      fd,
      `${layer.digest} ${layer.size}\n{"directories":${JSON.stringify(directories)},"files":[`,
    );
    // In parts: the text of all takes as much memory as what it is made of.
    for (let at = 0; at < files.length; at += filesPerPart) {
      const part = files.slice(at, at + filesPerPart).map(({ path, seconds }) => [path, seconds]);
      writeFileSync(fd, (at === 0 ? "" : ",") + JSON.stringify(part).slice(1, -1));
    }
    writeFileSync(fd, "]}");
  } finally {
    closeSync(fd);
  }
}

/** The layer that the files lie in; undefined when none are missing, or the note was cut by a crash of the machine. */
export function deferredLayer(directory: string): DeferredFiles["layer"] | undefined {
  if (!hasDeferred(directory)) return undefined;
  const bytes = Buffer.alloc(headLimit);
  const fd = openSync(placeOf(directory), "r");
  try {
    if (!fstatSync(fd).isFile()) return undefined;
    const [head = ""] = bytes.toString("latin1", 0, readSync(fd, bytes)).split("\n", 1);
    const [digest = "", size] = head.split(" ");
    return isDigest(digest) ? { digest, size: Number(size) } : undefined;
  } finally {
    closeSync(fd);
  }
}

/**
 * Puts the files into the tree, step by step; the caller sees to it that nobody else does meanwhile. Gives the bytes of the layer
 * that were read so far. When it is cut off, the next call begins again.
 * @throws SNAPSHOT_NOT_FOUND, BLOB_NOT_FOUND, DIGEST_MISMATCH, STORE_FULL
 */
export function* fillDeferred(
  directory: string,
  { layers, host }: { readonly layers: LayerSource; readonly host: Pick<Host, "files"> },
): Generator<FillProgress, void, undefined> {
  const layer = deferredLayer(directory);
  const lists = readLists(directory);
  if (layer === undefined || lists === undefined) {
    // An empty note leads to no layer: from here on the snapshot is not there, and a build makes it again.
    writeFileSync(placeOf(directory), "");
    throw new LighterError(
      "SNAPSHOT_NOT_FOUND",
      `cannot use snapshot "${directory}": a crash of the machine left it incomplete; build the image again`,
    );
  }
  const root = join(directory, "fs");
  const times = new Map(lists.files);
  using extraction = new Extraction({
    host,
    root,
    select: (entry) => withTime(entry, times.get(entry.path)),
    // What this store wrote is no bomb.
    limits: { dataBytes: Number.POSITIVE_INFINITY, entries: Number.POSITIVE_INFINITY },
  });
  try {
    let bytes = 0;
    for (const chunk of layers.readChunks(layer.digest)) {
      extraction.write(chunk);
      bytes += chunk.length;
      yield { bytes, layer };
    }
    extraction.finish();
  } catch (error) {
    // A blob that went bad on the disk is the news then, and is set aside.
    if (isLighterError(error, "ARCHIVE_INVALID", "ARCHIVE_HOSTILE"))
      for (const _ of layers.readChunks(layer.digest));
    throw error;
  }
  for (const [path, seconds] of lists.directories) utimesSync(join(root, path), seconds, seconds);
}

/** The tree is complete now. */
export function dropDeferred(directory: string): void {
  rmSync(placeOf(directory));
}

function withTime(entry: TarEntry, seconds: number | undefined): TarEntry | undefined {
  if (seconds === undefined) return undefined;
  // To the microsecond, with the very steps by which utimes(seconds) gives it to a copied file.
  const mtimeSeconds = Math.floor(seconds);
  const nanoseconds = Math.floor((seconds - mtimeSeconds) * 1e9);
  return { ...entry, mtimeSeconds, mtimeNanoseconds: nanoseconds - (nanoseconds % 1000) };
}

function readLists(directory: string): Lists | undefined {
  const text = readFileSync(placeOf(directory), "utf8");
  try {
    const value: unknown = JSON.parse(text.slice(text.indexOf("\n")));
    return isLists(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isLists(value: unknown): value is Lists {
  return (
    typeof value === "object" &&
    value !== null &&
    "files" in value &&
    Array.isArray(value.files) &&
    "directories" in value &&
    Array.isArray(value.directories)
  );
}
