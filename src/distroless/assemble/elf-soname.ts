/** What the dynamic linker's cache must know about a shared library. */
export interface SharedLibrary {
  /** `DT_SONAME`, undefined when the library names none. */
  readonly soname: string | undefined;
  readonly machine: number;
}

const sharedObject = 3;
const dynamicSegment = 2;
const loadSegment = 1;
const stringTableTag = 5n;
const sonameTag = 14n;

/**
 * Reads the soname of a 64-bit little-endian ELF shared object; undefined for everything else, damaged files included.
 * @see https://refspecs.linuxfoundation.org/elf/gabi4+/ch5.dynamic.html
 */
export function readSharedLibrary(file: Buffer): SharedLibrary | undefined {
  try {
    if (file.readUInt32BE(0) !== 0x7f454c46 || file[4] !== 2 || file[5] !== 1) return undefined;
    if (file.readUInt16LE(16) !== sharedObject) return undefined;
    return { soname: findSoname(file), machine: file.readUInt16LE(18) };
  } catch (error) {
    // An offset that leads out of the file.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly sizeBytes: number;
}

function findSoname(file: Buffer): string | undefined {
  const segments = readSegments(file);
  const dynamic = segments.find(({ type }) => type === dynamicSegment);
  if (dynamic === undefined) return undefined;
  const entries = readDynamic(file, dynamic);
  const table = entries.get(stringTableTag);
  const name = entries.get(sonameTag);
  if (table === undefined || name === undefined) return undefined;
  const holder = segments.find(
    ({ type, address, sizeBytes }) => type === loadSegment && address <= table && table < address + sizeBytes,
  );
  if (holder === undefined) return undefined;
  const start = table - holder.address + holder.offset + name;
  const end = file.indexOf(0, start);
  return end < 0 ? undefined : file.toString("latin1", start, end);
}

function readSegments(file: Buffer): readonly Segment[] {
  const at = Number(file.readBigUInt64LE(32));
  const entryBytes = file.readUInt16LE(54);
  const count = file.readUInt16LE(56);
  return Array.from({ length: count }, (_, index) => {
    const header = at + index * entryBytes;
    return {
      type: file.readUInt32LE(header),
      offset: Number(file.readBigUInt64LE(header + 8)),
      address: Number(file.readBigUInt64LE(header + 16)),
      sizeBytes: Number(file.readBigUInt64LE(header + 32)),
    };
  });
}

function readDynamic(file: Buffer, { offset, sizeBytes }: Segment): ReadonlyMap<bigint, number> {
  const entries = new Map<bigint, number>();
  for (let at = offset; at + 16 <= offset + sizeBytes; at += 16) {
    const tag = file.readBigUInt64LE(at);
    if (tag === 0n) break;
    entries.set(tag, Number(file.readBigUInt64LE(at + 8)));
  }
  return entries;
}
