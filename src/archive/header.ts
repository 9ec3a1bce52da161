import { LighterError } from "#base";
import { decodeName } from "./name.ts";

/** Everything in tar comes in blocks of this many bytes. */
export const blockSize = 512;

/** One header block, its numbers and names decoded, before pax records and GNU's long names are laid over it. */
export interface RawHeader {
  readonly type: string;
  readonly path: string;
  readonly linkPath: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly mtimeSeconds: number;
  readonly userName: string;
  readonly groupName: string;
  readonly major: number;
  readonly minor: number;
}

/**
 * Decodes a header block.
 * @returns undefined for a block of zeros, which ends an archive
 * @throws ARCHIVE_INVALID when the checksum or a number is wrong
 * @see https://www.gnu.org/software/tar/manual/html_node/Standard.html
 */
export function parseHeader(block: Buffer): RawHeader | undefined {
  if (!hasChecksum(block)) {
    if (isZero(block)) return undefined;
    throw new LighterError(
      "ARCHIVE_INVALID",
      "cannot read archive: a header's checksum is wrong; it is damaged or no tar",
    );
  }
  const dialect = dialectOf(block);
  const prefix =
    dialect === "ustar" ? textAt(block, 345, 155) : dialect === "star" ? textAt(block, 345, 131) : "";
  const name = textAt(block, 0, 100);
  const hasOwners = dialect !== "v7";
  return {
    type: String.fromCharCode(block[156] ?? 0),
    path: prefix === "" ? name : `${prefix}/${name}`,
    linkPath: textAt(block, 157, 100),
    mode: numberAt(block, 100, 8) & 0o7777,
    uid: numberAt(block, 108, 8),
    gid: numberAt(block, 116, 8),
    sizeBytes: numberAt(block, 124, 12),
    mtimeSeconds: numberAt(block, 136, 12),
    userName: hasOwners ? textAt(block, 265, 32) : "",
    groupName: hasOwners ? textAt(block, 297, 32) : "",
    major: hasOwners ? numberAt(block, 329, 8) : 0,
    minor: hasOwners ? numberAt(block, 337, 8) : 0,
  };
}

function dialectOf(block: Buffer): "v7" | "ustar" | "star" | "gnu" {
  const magic = block.toString("latin1", 257, 263);
  if (magic === "ustar ") return "gnu";
  if (magic !== "ustar\0") return "v7";
  return block.toString("latin1", 508, 512) === "tar\0" ? "star" : "ustar";
}

/** The sum of all bytes with the checksum field read as spaces; old programs added signed bytes. */
function hasChecksum(block: Buffer): boolean {
  let sum = 256;
  let signed = 256;
  for (let at = 0; at < blockSize; at += 1) {
    if (at === 148) at = 156;
    const byte = block[at] ?? 0;
    sum += byte;
    signed += byte < 128 ? byte : byte - 256;
  }
  const stored = octalAt(block, 148, 8);
  return stored === sum || stored === signed;
}

function isZero(block: Buffer): boolean {
  return block.every((byte) => byte === 0);
}

function textAt(block: Buffer, start: number, length: number): string {
  let end = start;
  const limit = start + length;
  let isAscii = true;
  while (end < limit && block[end] !== 0) {
    if ((block[end] ?? 0) > 127) isAscii = false;
    end += 1;
  }
  return isAscii ? block.toString("latin1", start, end) : decodeName(block.subarray(start, end));
}

/** A number in octal digits or, when the first bit is set, in two's complement (GNU's base-256). */
export function numberAt(block: Buffer, start: number, length: number): number {
  const first = block[start] ?? 0;
  const value = first & 0x80 ? base256At(block, start, length) : octalAt(block, start, length);
  if (value === undefined || !Number.isSafeInteger(value)) {
    throw new LighterError(
      "ARCHIVE_INVALID",
      "cannot read archive: a number in a header is malformed; it is damaged or no tar",
    );
  }
  return value;
}

function octalAt(block: Buffer, start: number, length: number): number | undefined {
  let value = 0;
  let at = start;
  const end = start + length;
  while (at < end && (block[at] === 0x20 || block[at] === 0)) at += 1;
  for (; at < end; at += 1) {
    const byte = block[at] ?? 0;
    if (byte === 0 || byte === 0x20) break;
    if (byte < 0x30 || byte > 0x37) return undefined;
    value = value * 8 + byte - 0x30;
  }
  return value;
}

function base256At(block: Buffer, start: number, length: number): number {
  const isNegative = ((block[start] ?? 0) & 0x40) !== 0;
  let value = isNegative ? -1n : 0n;
  value = (value << 6n) | BigInt((block[start] ?? 0) & 0x3f);
  for (let at = start + 1; at < start + length; at += 1) value = (value << 8n) | BigInt(block[at] ?? 0);
  return Number(value);
}
