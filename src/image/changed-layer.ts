import {
  chmodSync,
  lchownSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readlinkSync,
  type Stats,
  symlinkSync,
} from "node:fs";
import { join } from "node:path";
import { isLighterError } from "#base";
import type { Descriptor } from "#oci";
import type { SnapshotName } from "#snapshot";
import { type LayerParts, recordLayer, storeLayer } from "./commit-layer.ts";
import type { ChangedTree, DeferredFile, ImageStore, LayerTimes } from "./image-store.ts";
import { type LayerMap, mapRow } from "./layer-map.ts";
import { deferredPiece, fileSeconds, type LayerOptions, type LayerPiece, pieceBytes } from "./layer-walk.ts";
import { fileChunks } from "./layer-writer.ts";
import { OutputBuffer } from "./output-buffer.ts";

/** Larger files are read faster where they lie than out of a layer that has to be read whole. */
const mostMeanBytes = 32 << 10;

/** See `ImageStore.commitChanged`. */
export async function commitChanged(
  parts: LayerParts,
  earlier: SnapshotName,
  change: ChangedTree,
): ReturnType<ImageStore["commitChanged"]> {
  const { name, times, signal } = change;
  const before = findMap(parts, earlier);
  const edits = before === undefined ? undefined : editsOf(before, change);
  if (before === undefined || edits === undefined || !keepsTimes(before, edits, times)) return undefined;
  await using active = parts.snapshots.prepare(parts.snapshots.parent(earlier));
  const skeleton = copySkeleton(parts.snapshots.places(earlier)[0] ?? "", active.upper, {
    map: before,
    change,
  });
  if (skeleton === undefined) return undefined;
  const changed: string[] = [];
  const { digest, size } = before.layer;
  const chunks = changedChunks(parts.content.readChunks(digest), edits, {
    files: parts.host.files,
    onChanged: (path) => changed.push(path),
  });
  const options = { expectedBytes: size, isCached: false, signal };
  const descriptor = await stored(storeLayer(parts.content, chunks, options));
  if (descriptor === undefined) return undefined;
  const map = { ...mapAfter(before, edits), ...skeleton, layer: descriptor };
  parts.records.setFileBytes(descriptor.digest, map.fileBytes);
  const files = map.paths.map((path, place) => ({ path, seconds: numberOf(map, place, "seconds") }));
  const snapshot = parts.snapshots.commitDeferred(active, name, { layer: descriptor, files });
  recordLayer(parts, snapshot, { descriptor, times });
  if (changed.length === 0) parts.records.setMap(snapshot, map);
  return { snapshot, changed };
}

/** Where everything lies in the earlier layer, when taking it from there is worth it. */
function findMap({ records, content }: LayerParts, earlier: SnapshotName): LayerMap | undefined {
  const map = records.findMap(earlier);
  if (map === undefined || content.findSize(map.layer.digest) !== map.layer.size) return undefined;
  return map.paths.length * mostMeanBytes < map.layer.size ? undefined : map;
}

/** Whether the files that did not change would get the times again that they have in the earlier layer. */
function keepsTimes(map: LayerMap, edits: readonly Edit[], times: LayerTimes): boolean {
  const edited = new Set(edits.map(({ place }) => place));
  return map.paths.every((_path, place) => {
    const seconds = fileSeconds({ seconds: numberOf(map, place, "seconds") }, times);
    return edited.has(place) || seconds === numberOf(map, place, "layerSeconds");
  });
}

/** A file whose entry is another than in the earlier layer. */
interface Edit {
  /** In the map. */
  readonly place: number;
  readonly offset: number;
  readonly lengthBytes: number;
  readonly file: DeferredFile;
  readonly layerSeconds: number;
  readonly piece: LayerPiece;
}

/** In the order of the layer. Undefined when a file is not in the map. */
function editsOf(map: LayerMap, { files, times }: ChangedTree): readonly Edit[] | undefined {
  const changed = new Map(files.map((file) => [file.path, file]));
  const edits: Edit[] = [];
  for (const [place, path] of map.paths.entries()) {
    const found = changed.get(path);
    if (found === undefined) continue;
    const file = { ...found, uid: numberOf(map, place, "uid"), gid: numberOf(map, place, "gid") };
    const layerSeconds = fileSeconds(file, times);
    edits.push({
      place,
      offset: numberOf(map, place, "offset"),
      lengthBytes: numberOf(map, place, "lengthBytes"),
      file,
      layerSeconds,
      piece: deferredPiece(file, layerSeconds),
    });
  }
  return edits.length === changed.size ? edits : undefined;
}

function mapAfter(map: LayerMap, edits: readonly Edit[]): LayerMap {
  const rows = map.rows.slice();
  let moved = 0;
  let fileBytes = map.fileBytes;
  for (const [at, { place, file, layerSeconds, piece, lengthBytes }] of edits.entries()) {
    const row = place * mapRow.count;
    fileBytes += file.sizeBytes - (rows[row + mapRow.sizeBytes] ?? 0);
    rows[row + mapRow.sizeBytes] = file.sizeBytes;
    rows[row + mapRow.seconds] = file.seconds;
    rows[row + mapRow.layerSeconds] = layerSeconds;
    rows[row + mapRow.lengthBytes] = pieceBytes(piece);
    moved += pieceBytes(piece) - lengthBytes;
    const next = edits[at + 1]?.place ?? map.paths.length - 1;
    for (let later = place + 1; moved !== 0 && later <= next; later += 1)
      rows[later * mapRow.count + mapRow.offset] = (rows[later * mapRow.count + mapRow.offset] ?? 0) + moved;
  }
  return { ...map, fileBytes, rows };
}

function numberOf(map: LayerMap, place: number, column: Exclude<keyof typeof mapRow, "count">): number {
  return map.rows[place * mapRow.count + mapRow[column]] ?? Number.NaN;
}

/**
 * Makes the directories and links of the earlier tree again.
 * @returns their times; undefined when something is not as the map says, or would get another time in the layer
 */
function copySkeleton(
  from: string,
  to: string,
  { map, change }: { readonly map: LayerMap; readonly change: ChangedTree },
): Pick<LayerMap, "rootMtimeMs" | "others"> | undefined {
  const made: [location: string, mtimeMs: number][] = [];
  const timeOf = (path: string, mtimeMs: number): number => change.directories.get(path) ?? mtimeMs;
  made.push([to, timeOf("", map.rootMtimeMs)]);
  for (const [path, mtimeMs] of map.others) {
    const [source, target] = [join(from, path), join(to, path)];
    const stats = lstatSync(source, { throwIfNoEntry: false });
    if (stats === undefined || !makeAlike(source, target, stats)) return undefined;
    made.push([target, timeOf(path, mtimeMs)]);
  }
  // What is in a directory is made after it, and changes its time.
  for (const [location, mtimeMs] of made.reverse()) setTime(location, mtimeMs);
  const others = map.others.map(
    ([path, , seconds]) => [path, lstatSync(join(to, path)).mtimeMs, seconds] as const,
  );
  if (others.some(([, mtimeMs, seconds]) => change.times.of(mtimeMs) !== seconds)) return undefined;
  return { rootMtimeMs: lstatSync(to).mtimeMs, others };
}

function makeAlike(source: string, target: string, stats: Stats): boolean {
  if (stats.isDirectory()) mkdirSync(target);
  else if (stats.isSymbolicLink()) symlinkSync(readlinkSync(source, "buffer"), target);
  else return false;
  lchownSync(target, stats.uid, stats.gid);
  if (stats.isDirectory()) chmodSync(target, stats.mode & 0o7777);
  return true;
}

/** Times are kept to a microsecond, and a double of seconds may lie a little below the one that is meant. */
function setTime(location: string, mtimeMs: number): void {
  const seconds = mtimeMs / 1000 + 3e-7;
  lutimesSync(location, seconds, seconds);
}

/** The earlier layer with other entries in some places. Its last step throws when the bytes were not the layer's. */
function* changedChunks(
  earlier: Iterable<Buffer>,
  edits: readonly Edit[],
  options: Pick<LayerOptions, "files" | "onChanged">,
): Generator<Buffer, void, undefined> {
  const output = new OutputBuffer();
  const waiting = [...edits].reverse();
  let start = 0;
  /** Up to here the earlier layer is done with. */
  let done = 0;
  for (const chunk of earlier) {
    const end = start + chunk.length;
    for (let edit = waiting.at(-1); edit !== undefined && edit.offset < end; edit = waiting.at(-1)) {
      if (done < edit.offset) yield* output.put(chunk.subarray(done - start, edit.offset - start));
      yield* output.put(edit.piece.header);
      if (edit.piece.file !== undefined) yield* fileChunks(output, edit.piece.file, options);
      done = edit.offset + edit.lengthBytes;
      waiting.pop();
    }
    if (done < end) {
      if (done === start && output.isEmpty) yield chunk;
      else yield* output.put(chunk.subarray(done - start));
      done = end;
    }
    start = end;
  }
  yield* output.flush();
}

/** Undefined when the earlier layer turned out damaged, or has gone meanwhile: everything is read where it lies then. */
async function stored(storing: Promise<Descriptor>): Promise<Descriptor | undefined> {
  try {
    return await storing;
  } catch (error) {
    if (isLighterError(error, "DIGEST_MISMATCH", "BLOB_NOT_FOUND")) return undefined;
    throw error;
  }
}
