import { isElf } from "./elf-file.ts";

/** Sections that only debuggers read. @see https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.sheader.html */
const symbolTable = 2;
const stringTable = 3;
const nothing = 8;
/** The section takes memory while the program runs. */
const isLoaded = 2n;
const headerBytes = 64;

interface Section {
  readonly name: string;
  readonly type: number;
  readonly flags: bigint;
  readonly offset: number;
  readonly sizeBytes: number;
  readonly link: number;
  readonly header: Buffer;
}

/**
 * A 64-bit little-endian program or library without its symbol table and debug sections, as `strip --strip-unneeded` leaves
 * it: what the loader reads keeps its bytes and its place. Undefined when there is nothing to take out, or the file is laid
 * out in another way than linkers do.
 */
export function stripSymbols(file: Buffer): Buffer | undefined {
  try {
    if (!isElf(file) || file[4] !== 2 || file[5] !== 1) return undefined;
    return strip(file);
  } catch (error) {
    // An offset that leads out of the file.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function strip(file: Buffer): Buffer | undefined {
  const sections = readSections(file);
  const isKept = sections.map((section) => !isForDebuggers(section));
  const type = file.readUInt16LE(16);
  // Only what is linked to its end: in an object file relocations name symbols.
  if ((type !== 2 && type !== 3) || isKept.every(Boolean)) return undefined;
  const loaded = sections.filter(({ flags, type: kind }) => (flags & isLoaded) !== 0n && kind !== nothing);
  const end = Math.max(...loaded.map(({ offset, sizeBytes }) => offset + sizeBytes), endOfHeaders(file));
  const rest = sections.filter(
    ({ flags, type: kind }, at) =>
      isKept[at] === true && (flags & isLoaded) === 0n && kind !== nothing && kind !== 0,
  );
  if (rest.some(({ offset }) => offset < end)) return undefined;
  return assemble(file, end, { sections, isKept, rest });
}

/** The loaded part as it is, then what remains of the other sections, then their headers. */
function assemble(
  file: Buffer,
  end: number,
  {
    sections,
    isKept,
    rest,
  }: {
    readonly sections: readonly Section[];
    readonly isKept: readonly boolean[];
    readonly rest: readonly Section[];
  },
): Buffer {
  const parts: Buffer[] = [file.subarray(0, end)];
  const offsets = new Map<Section, number>();
  let at = end;
  for (const section of rest) {
    offsets.set(section, at);
    parts.push(file.subarray(section.offset, section.offset + section.sizeBytes));
    at += section.sizeBytes;
  }
  const padding = (8 - (at % 8)) % 8;
  parts.push(Buffer.alloc(padding));
  const numbers = numbersAfter(isKept);
  for (const [index, section] of sections.entries()) {
    if (isKept[index] !== true) continue;
    const header = Buffer.from(section.header);
    header.writeBigUInt64LE(BigInt(offsets.get(section) ?? section.offset), 24);
    header.writeUInt32LE(numbers[section.link] ?? 0, 40);
    parts.push(header);
  }
  const stripped = Buffer.concat(parts);
  stripped.writeBigUInt64LE(BigInt(at + padding), 40);
  stripped.writeUInt16LE(isKept.filter(Boolean).length, 60);
  stripped.writeUInt16LE(numbers[file.readUInt16LE(62)] ?? 0, 62);
  return stripped;
}

/** The new number of each section; 0, which means none, for those that go. */
function numbersAfter(isKept: readonly boolean[]): readonly number[] {
  let next = 0;
  return isKept.map((kept) => (kept ? next++ : 0));
}

function isForDebuggers({ type, flags, name }: Section): boolean {
  if ((flags & isLoaded) !== 0n) return false;
  return type === symbolTable || (type === stringTable && name === ".strtab") || /^\.z?debug_/.test(name);
}

function readSections(file: Buffer): readonly Section[] {
  const at = Number(file.readBigUInt64LE(40));
  const count = file.readUInt16LE(60);
  if (file.readUInt16LE(58) !== headerBytes || count === 0) return [];
  const headers = Array.from({ length: count }, (_, index) =>
    file.subarray(at + index * headerBytes, at + (index + 1) * headerBytes),
  );
  const names = headers[file.readUInt16LE(62)];
  if (names === undefined || headers.some(({ length }) => length !== headerBytes))
    throw new RangeError("sections");
  const namesAt = Number(names.readBigUInt64LE(24));
  return headers.map((header) => {
    const start = namesAt + header.readUInt32LE(0);
    return {
      name: file.toString("latin1", start, file.indexOf(0, start)),
      type: header.readUInt32LE(4),
      flags: header.readBigUInt64LE(8),
      offset: Number(header.readBigUInt64LE(24)),
      sizeBytes: Number(header.readBigUInt64LE(32)),
      link: header.readUInt32LE(40),
      header,
    };
  });
}

/** Behind the file's header and its table of segments. */
function endOfHeaders(file: Buffer): number {
  const segments = Number(file.readBigUInt64LE(32)) + file.readUInt16LE(54) * file.readUInt16LE(56);
  return Math.max(headerBytes, segments);
}
