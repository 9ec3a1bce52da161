import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { tarEnd, tarPadding } from "#archive";
import { LighterError } from "#base";
import { type LayerOptions, type LayerPiece, LayerWalk } from "./layer-walk.ts";
import { OutputBuffer } from "./output-buffer.ts";

/** Smaller files are read faster than their holes are looked for. */
const holesBytes = 1 << 20;

/**
 * The changes that a directory in overlay form holds, as an OCI layer, uncompressed: names sorted by their bytes within each
 * directory, whiteouts as `.wh.` files, one full entry and then hard links for a file with several names, times in whole
 * seconds, no user names, holes as zeros. The same tree always gives the same bytes. The root itself is not part of it.
 *
 * A chunk is valid until the next is asked for. Memory stays flat.
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md
 */
export function* layerChunks(directory: string, options: LayerOptions): Generator<Buffer, void, undefined> {
  const output = new OutputBuffer();
  for (const piece of new LayerWalk(directory, options).pieces()) {
    if (!output.tryPut(piece.header)) yield* output.put(piece.header);
    if (piece.file !== undefined) yield* fileChunks(output, piece.file, options);
  }
  yield* output.put(tarEnd);
  yield* output.flush();
}

/** {@link layerChunks} to its end. */
export function writeLayer(
  directory: string,
  options: LayerOptions,
  sink: (bytes: Uint8Array) => void,
): void {
  for (const chunk of layerChunks(directory, options)) sink(chunk);
}

/** The bytes of a file and the padding behind them. Holes are not read. */
export function* fileChunks(
  output: OutputBuffer,
  file: NonNullable<LayerPiece["file"]>,
  { files, onChanged }: Pick<LayerOptions, "files" | "onChanged">,
): Generator<Buffer, void, undefined> {
  const fd = openSync(file.path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const isSparse = file.sizeBytes >= holesBytes && fstatSync(fd).blocks * 512 < file.sizeBytes;
    let data = -1;
    for (let at = 0; at < file.sizeBytes; ) {
      if (output.isFull) yield* output.flush();
      const left = file.sizeBytes - at;
      if (isSparse && data < at) data = files.findData(fd, at);
      if (isSparse && data > at) {
        at += output.putZeros(Math.min(left, data - at));
        continue;
      }
      const length = output.readFrom(fd, left, at);
      if (length === 0 && file.ctimeMs === undefined) throw shortened(file.path);
      // The header has promised more; that the file changed is told below.
      at += length === 0 ? output.putZeros(left) : length;
    }
    // What is missing at the end of a file looks like a hole.
    if (isSparse && file.ctimeMs === undefined && fstatSync(fd).size < file.sizeBytes)
      throw shortened(file.path);
    if (file.ctimeMs !== undefined && fstatSync(fd).ctimeMs !== file.ctimeMs) onChanged?.(String(file.path));
  } finally {
    closeSync(fd);
  }
  const padding = tarPadding(file.sizeBytes);
  if (!output.tryPut(padding)) yield* output.put(padding);
}

/** A file of the store, which does not change, was cut. */
export function shortened(path: string | Buffer): LighterError {
  return new LighterError(
    "IMAGE_INVALID",
    `cannot put "${path}" into a layer: it became shorter while it was read`,
  );
}
