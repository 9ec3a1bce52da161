import { isElf } from "./elf-file.ts";
import { segmentKinds } from "./segments.ts";

const writable = 2;

/**
 * A 64-bit little-endian library of which the read-only segment that holds offset `at` goes on with `tail` from there, and ends
 * with it: what else the loader maps keeps its addresses and moves up in the file; sections, which only debuggers read, are
 * left out. For libraries that are one large table. Undefined when there is no such segment, or the tail is no shorter.
 */
export function shortenSegment(file: Buffer, at: number, tail: Uint8Array): Buffer | undefined {
  try {
    if (!isElf(file) || file[4] !== 2 || file[5] !== 1) return undefined;
    return shorten(file, at, tail);
  } catch (error) {
    // An offset that leads out of the file.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function shorten(file: Buffer, at: number, tail: Uint8Array): Buffer | undefined {
  const headers = programHeaders(file);
  const loads = headers.filter(({ type }) => type === segmentKinds.load);
  const held = loads.find(({ offset, sizeBytes }) => at >= offset && at < offset + sizeBytes);
  if (held === undefined || (held.flags & writable) !== 0 || held.sizeBytes !== held.memoryBytes)
    return undefined;
  const oldEnd = held.offset + held.sizeBytes;
  const newEnd = at + tail.length;
  const later = loads.filter(({ offset }) => offset >= oldEnd);
  const begin = Math.min(...later.map(({ offset }) => offset));
  if (newEnd >= oldEnd || later.length === 0) return undefined;
  // Offset and address of a segment are equal in the page.
  const alignment = Math.max(...later.map((each) => each.alignment));
  const shift = Math.floor((begin - newEnd) / alignment) * alignment;
  const end = Math.max(...later.map(({ offset, sizeBytes }) => offset + sizeBytes));
  const gap = Buffer.alloc(begin - shift - newEnd);
  const shortened = Buffer.concat([file.subarray(0, at), tail, gap, file.subarray(begin, end)]);
  for (const { place, offset } of headers)
    if (offset >= oldEnd) shortened.writeBigUInt64LE(BigInt(offset - shift), place + 8);
  for (const field of [32, 40]) shortened.writeBigUInt64LE(BigInt(newEnd - held.offset), held.place + field);
  shortened.writeBigUInt64LE(0n, 40);
  shortened.fill(0, 60, 64);
  return shortened;
}

function programHeaders(file: Buffer) {
  const table = Number(file.readBigUInt64LE(32));
  const entryBytes = file.readUInt16LE(54);
  return Array.from({ length: file.readUInt16LE(56) }, (_, index) => {
    const place = table + index * entryBytes;
    return {
      place,
      type: file.readUInt32LE(place),
      flags: file.readUInt32LE(place + 4),
      offset: Number(file.readBigUInt64LE(place + 8)),
      sizeBytes: Number(file.readBigUInt64LE(place + 32)),
      memoryBytes: Number(file.readBigUInt64LE(place + 40)),
      alignment: Math.max(1, Number(file.readBigUInt64LE(place + 48))),
    };
  });
}
