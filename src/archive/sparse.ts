import { LighterError } from "#base";
import type { Segment } from "./entry.ts";
import { blockSize, numberAt } from "./header.ts";
import { type PaxRecord, paxInteger } from "./pax.ts";

/** More pieces than this in one file is an attack, not a file. */
const segmentLimit = 1_000_000;

/** Old GNU form: up to four pieces in the header, then 21 in each extension block. */
export class OldGnuMap {
  readonly realSizeBytes: number;
  readonly segments: Segment[] = [];
  /** Whether another extension block follows. */
  continues: boolean;

  constructor(header: Buffer) {
    this.realSizeBytes = numberAt(header, 483, 12);
    this.#readPieces(header, 386, 4);
    this.continues = header[482] !== 0;
  }

  extend(block: Buffer): void {
    this.#readPieces(block, 0, 21);
    this.continues = block[504] !== 0;
    if (this.segments.length > segmentLimit) throw malformed();
  }

  #readPieces(block: Buffer, start: number, count: number): void {
    for (let at = start; at < start + count * 24 && block[at] !== 0; at += 24)
      this.segments.push({ offset: numberAt(block, at, 12), sizeBytes: numberAt(block, at + 12, 12) });
  }
}

/**
 * What pax records say about holes: versions 0.0 (repeated records), 0.1 (one record) and 1.0 (the map leads the data).
 * @see https://www.gnu.org/software/tar/manual/html_node/Sparse-Formats.html
 */
export interface PaxSparse {
  readonly path: string | undefined;
  readonly realSizeBytes: number;
  /** undefined: version 1.0, the map is to be read from the data. */
  readonly segments: readonly Segment[] | undefined;
}

/** @returns undefined when the records describe no sparse file */
export function parsePaxSparse(records: readonly PaxRecord[]): PaxSparse | undefined {
  const find = (key: string): Uint8Array | undefined =>
    records.findLast((record) => record.key === key)?.value;
  const size = find("GNU.sparse.realsize") ?? find("GNU.sparse.size");
  if (size === undefined) return undefined;
  const name = find("GNU.sparse.name");
  const isMapInData = find("GNU.sparse.major") !== undefined && textOf(find("GNU.sparse.major")) === "1";
  return {
    path: name === undefined ? undefined : textOf(name),
    realSizeBytes: paxInteger(size),
    segments: isMapInData ? undefined : segmentsOf(records),
  };
}

function segmentsOf(records: readonly PaxRecord[]): Segment[] {
  const map = records.findLast((record) => record.key === "GNU.sparse.map");
  const numbers =
    map === undefined
      ? records
          .filter(({ key }) => key === "GNU.sparse.offset" || key === "GNU.sparse.numbytes")
          .map(({ value }) => paxInteger(value))
      : textOf(map.value)
          .split(",")
          .filter((text) => text !== "")
          .map((text) => paxInteger(Buffer.from(text)));
  return pairs(numbers);
}

function pairs(numbers: readonly number[]): Segment[] {
  if (numbers.length % 2 !== 0 || numbers.length > segmentLimit * 2) throw malformed();
  const segments: Segment[] = [];
  for (let at = 0; at < numbers.length; at += 2)
    segments.push({ offset: numbers[at] ?? 0, sizeBytes: numbers[at + 1] ?? 0 });
  return segments;
}

/** Collects the map of pax version 1.0, decimal lines padded to whole blocks, from the front of the data. */
export class LeadingMap {
  #text = "";
  readonly #numbers: number[] = [];
  #wanted = Number.NaN;
  /** Bytes of the data that the map took, padding included. */
  sizeBytes = 0;

  /** Takes one block; true when the map is whole. */
  push(block: Buffer): boolean {
    this.sizeBytes += blockSize;
    const lines = (this.#text + block.toString("latin1")).split("\n");
    this.#text = lines.pop() ?? "";
    for (const line of lines) {
      if (Number.isNaN(this.#wanted)) this.#wanted = 2 * paxInteger(Buffer.from(line));
      else if (this.#numbers.length < this.#wanted) this.#numbers.push(paxInteger(Buffer.from(line)));
      if (!(this.#wanted >= 0 && this.#wanted <= 2 * segmentLimit)) throw malformed();
    }
    if (this.#text.length > blockSize) throw malformed();
    return this.#numbers.length === this.#wanted;
  }

  get segments(): Segment[] {
    return pairs(this.#numbers);
  }
}

/**
 * The data runs of a sparse file, without the empty ones that GNU tar ends a map with.
 * @throws ARCHIVE_INVALID unless they ascend, stay inside the file and add up to what the archive stores
 */
export function checkSegments(
  segments: readonly Segment[],
  size: { readonly realSizeBytes: number; readonly storedSizeBytes: number },
): readonly Segment[] {
  let end = 0;
  let total = 0;
  for (const segment of segments) {
    if (segment.sizeBytes < 0 || segment.offset < end) throw malformed();
    end = segment.offset + segment.sizeBytes;
    total += segment.sizeBytes;
  }
  if (end > size.realSizeBytes || total !== size.storedSizeBytes) throw malformed();
  return segments.filter((segment) => segment.sizeBytes > 0);
}

function textOf(value: Uint8Array | undefined): string {
  return value === undefined ? "" : Buffer.from(value).toString();
}

function malformed(): LighterError {
  return new LighterError("ARCHIVE_INVALID", "cannot read archive: the map of a sparse file is malformed");
}
