import { readSegments, type Segment, segmentKinds } from "./segments.ts";
import { readDefinedVersions, readNeededVersions } from "./symbol-versions.ts";

/** What the dynamic linker reads of a program or a shared library. */
export interface ElfFile {
  readonly kind: ElfKind;
  /** `e_machine`: 62 is amd64, 183 arm64. */
  readonly machine: number;
  /** The linker that a dynamically linked program asks for. */
  readonly interpreter: string | undefined;
  /** `DT_SONAME`. */
  readonly soname: string | undefined;
  /** `DT_NEEDED`, in order. */
  readonly needed: readonly string[];
  /** `DT_RUNPATH`, else `DT_RPATH`, split at its colons. */
  readonly runpath: readonly string[];
  /** Symbol versions it takes from other libraries. */
  readonly neededVersions: readonly VersionNeed[];
  /** Symbol versions it has: `GLIBC_2.34`. */
  readonly definedVersions: readonly string[];
}

/** `library` covers position independent programs too: the format does not tell them apart. */
export type ElfKind = "program" | "library" | "other";

/** A version that must be found in one library. */
export interface VersionNeed {
  /** The library's soname. */
  readonly library: string;
  readonly version: string;
}

/** Tags of the dynamic section. @see https://refspecs.linuxfoundation.org/elf/gabi4+/ch5.dynamic.html */
const tags = {
  needed: 1n,
  stringTable: 5n,
  soname: 14n,
  rpath: 15n,
  runpath: 29n,
  versionDefinitions: 0x6ffffffcn,
  versionDefinitionCount: 0x6ffffffdn,
  versionNeeds: 0x6ffffffen,
  versionNeedCount: 0x6fffffffn,
} as const;

/** Whether bytes begin as an ELF file does. */
export function isElf(head: Uint8Array): boolean {
  return head[0] === 0x7f && head[1] === 0x45 && head[2] === 0x4c && head[3] === 0x46;
}

/**
 * Reads a 64-bit little-endian ELF file (amd64, arm64, riscv64, ppc64el); undefined for everything else, damaged files
 * included.
 * @see https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html
 */
export function readElf(file: Buffer): ElfFile | undefined {
  try {
    if (!isElf(file) || file[4] !== 2 || file[5] !== 1) return undefined;
    return read(file);
  } catch (error) {
    // An offset that leads out of the file.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function read(file: Buffer): ElfFile {
  const segments = readSegments(file);
  const dynamic = readDynamic(file, segments);
  const text = stringsOf(file, segments, dynamic);
  const all = (tag: bigint) => (dynamic.get(tag) ?? []).map((offset) => text(offset));
  const versions = (at: bigint, count: bigint) => ({
    file,
    text,
    offset: fileOffset(segments, dynamic.get(at)?.[0]),
    count: dynamic.get(count)?.[0] ?? 0,
  });
  const paths = all(tags.runpath).length > 0 ? all(tags.runpath) : all(tags.rpath);
  return {
    kind: kindOf(file.readUInt16LE(16)),
    machine: file.readUInt16LE(18),
    interpreter: interpreterOf(file, segments),
    soname: all(tags.soname)[0],
    needed: all(tags.needed),
    runpath: paths.flatMap((path) => path.split(":")).filter((path) => path !== ""),
    neededVersions: readNeededVersions(versions(tags.versionNeeds, tags.versionNeedCount)),
    definedVersions: readDefinedVersions(versions(tags.versionDefinitions, tags.versionDefinitionCount)),
  };
}

function kindOf(type: number): ElfKind {
  return type === 2 ? "program" : type === 3 ? "library" : "other";
}

function interpreterOf(file: Buffer, segments: readonly Segment[]): string | undefined {
  const segment = segments.find(({ type }) => type === segmentKinds.interpreter);
  return segment && file.toString("latin1", segment.offset, segment.offset + segment.sizeBytes - 1);
}

function readDynamic(file: Buffer, segments: readonly Segment[]): ReadonlyMap<bigint, readonly number[]> {
  const entries = new Map<bigint, number[]>();
  const section = segments.find(({ type }) => type === segmentKinds.dynamic);
  if (section === undefined) return entries;
  for (let at = section.offset; at + 16 <= section.offset + section.sizeBytes; at += 16) {
    const tag = file.readBigUInt64LE(at);
    if (tag === 0n) break;
    const values = entries.get(tag) ?? [];
    values.push(Number(file.readBigUInt64LE(at + 8)));
    entries.set(tag, values);
  }
  return entries;
}

/** Reads strings of the dynamic string table. */
function stringsOf(
  file: Buffer,
  segments: readonly Segment[],
  dynamic: ReadonlyMap<bigint, readonly number[]>,
): (offset: number) => string {
  const table = fileOffset(segments, dynamic.get(tags.stringTable)?.[0]);
  return (offset) => {
    const start = (table ?? 0) + offset;
    const end = table === undefined || start > file.length ? -1 : file.indexOf(0, start);
    return end < 0 ? "" : file.toString("latin1", start, end);
  };
}

/** Where an address of the loaded program stands in the file. */
function fileOffset(segments: readonly Segment[], address: number | undefined): number | undefined {
  if (address === undefined) return undefined;
  const holder = segments.find(
    (segment) =>
      segment.type === segmentKinds.load &&
      segment.address <= address &&
      address < segment.address + segment.sizeBytes,
  );
  return holder && address - holder.address + holder.offset;
}
