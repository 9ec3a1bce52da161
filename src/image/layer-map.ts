import { createHash } from "node:crypto";
import { readFileSync, renameSync, type Stats, writeFileSync } from "node:fs";
import { hasEscapes } from "#archive";
import type { Descriptor } from "#oci";

/** Where in a layer the files lie that are not in its tree, and what the tree had besides them. */
export interface LayerMap {
  readonly layer: Descriptor;
  /** Sum of the lengths of the layer's files and links. */
  readonly fileBytes: number;
  /** When the root of the tree was modified, which no layer tells. */
  readonly rootMtimeMs: number;
  /** Directories and links, above what is in them, with their times in the tree and in the layer. */
  readonly others: readonly (readonly [path: string, mtimeMs: number, layerSeconds: number])[];
  /** The deferred files in the order of the layer. */
  readonly paths: readonly string[];
  /** {@link mapRow} numbers a file. */
  readonly rows: Float64Array;
}

/** Places of the numbers of a file: offset and length of the entry, header and padding included; times as in `others`. */
export const mapRow = {
  offset: 0,
  lengthBytes: 1,
  sizeBytes: 2,
  seconds: 3,
  layerSeconds: 4,
  uid: 5,
  gid: 6,
  count: 7,
} as const;

interface EntryPlace {
  readonly lengthBytes: number;
  readonly layerSeconds: number;
}

/** Notes where each entry goes while a layer is made. */
export class LayerMapWriter {
  readonly #others: LayerMap["others"][number][] = [];
  readonly #paths: string[] = [];
  #rows = new Float64Array(1024 * mapRow.count);
  #offset = 0;
  #fileBytes = 0;
  #isPlain = true;

  file(
    path: string,
    file: {
      readonly sizeBytes: number;
      readonly seconds: number;
      readonly uid: number;
      readonly gid: number;
    },
    { lengthBytes, layerSeconds }: EntryPlace,
  ): void {
    const at = this.#paths.length * mapRow.count;
    if (at === this.#rows.length) {
      const larger = new Float64Array(2 * at);
      larger.set(this.#rows);
      this.#rows = larger;
    }
    const { sizeBytes, seconds, uid, gid } = file;
    this.#rows.set([this.#offset, lengthBytes, sizeBytes, seconds, layerSeconds, uid, gid], at);
    this.#paths.push(path);
    this.#offset += lengthBytes;
    this.#fileBytes += sizeBytes;
    if (hasEscapes(path)) this.#isPlain = false;
  }

  /** A directory or link of the tree. */
  other(path: string, stats: Stats, { lengthBytes, layerSeconds }: EntryPlace): void {
    this.#others.push([path, stats.mtimeMs, layerSeconds]);
    this.#offset += lengthBytes;
    if (stats.isSymbolicLink()) this.#fileBytes += stats.size;
    if (hasEscapes(path)) this.#isPlain = false;
  }

  /** Anything else: such a tree is not made again from a map. */
  special(): void {
    this.#isPlain = false;
  }

  /** Undefined when there was something that a map does not hold. */
  end(known: Pick<LayerMap, "layer" | "rootMtimeMs">): LayerMap | undefined {
    if (!this.#isPlain) return undefined;
    return {
      ...known,
      fileBytes: this.#fileBytes,
      others: this.#others,
      paths: this.#paths,
      rows: this.#rows.subarray(0, this.#paths.length * mapRow.count),
    };
  }
}

/** Writes a map whole; it begins with its own digest, for layers are made by it. */
export function writeLayerMap(path: string, { rows, paths, ...head }: LayerMap): void {
  const pathBytes = Buffer.from(paths.join("\0"));
  const parts = [
    Buffer.from(`${JSON.stringify({ ...head, count: paths.length })}\n`),
    Buffer.from(rows.buffer, rows.byteOffset, rows.byteLength),
    pathBytes,
  ];
  const temporary = `${path}.${process.pid}.new`;
  writeFileSync(temporary, Buffer.concat([Buffer.from(`${digestOf(parts)}\n`), ...parts]));
  renameSync(temporary, path);
}

/** Undefined when it is absent or damaged. */
export function readLayerMap(path: string): LayerMap | undefined {
  try {
    const bytes = readFileSync(path);
    const start = bytes.indexOf("\n") + 1;
    if (bytes.toString("latin1", 0, start - 1) !== digestOf([bytes.subarray(start)])) return undefined;
    const rowsAt = bytes.indexOf("\n", start) + 1;
    const { count, ...head } = JSON.parse(bytes.toString("utf8", start, rowsAt));
    const pathsAt = rowsAt + count * mapRow.count * Float64Array.BYTES_PER_ELEMENT;
    const rows = bytes.buffer.slice(bytes.byteOffset + rowsAt, bytes.byteOffset + pathsAt);
    const paths = bytes.toString("utf8", pathsAt).split("\0");
    return { ...head, paths, rows: new Float64Array(rows) };
  } catch {
    return undefined;
  }
}

function digestOf(parts: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}
