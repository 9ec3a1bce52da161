import { LighterError } from "#base";
import { type Segment, type TarEntry, type TarKind, tarEntry } from "./entry.ts";
import { blockSize, parseHeader, type RawHeader } from "./header.ts";
import { decodeName } from "./name.ts";
import { type PaxRecord, parsePax, paxInteger, paxTime, xattrPrefix } from "./pax.ts";
import { checkSegments, LeadingMap, OldGnuMap, type PaxSparse, parsePaxSparse } from "./sparse.ts";

/** Receives what a {@link TarReader} finds, in the order of the archive. */
export interface TarSink {
  /** An entry begins. What this throws stops the reading. */
  onEntry(entry: TarEntry): void;
  /** Bytes of the current file that belong at `offset`; holes are left out. The bytes are valid during the call only. */
  onData(bytes: Buffer, offset: number): void;
  /** The current entry is complete. */
  onEntryEnd(entry: TarEntry): void;
}

/** A header that describes another one (long names, pax records) may have this many bytes, as in Go's reader. */
const metadataLimitBytes = 1 << 20;

type State = "header" | "metadata" | "map-extension" | "map" | "data" | "padding" | "end";

/**
 * Reads a tar archive that arrives in chunks of any size: ustar, GNU (long names, sparse, base-256) and pax (all keywords,
 * xattrs as bytes, sparse 0.0 to 1.0). Synchronous; holds one block and one metadata header at most.
 *
 * It checks the form only. Whether a name may be followed on a disk is for whoever writes there.
 */
export class TarReader {
  readonly #sink: TarSink;
  #state: State = "header";
  /** Bytes kept until a block or a metadata body is whole. */
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #wantedBytes = blockSize;
  #raw: RawHeader | undefined;
  #globals: readonly PaxRecord[] = [];
  #locals: readonly PaxRecord[] = [];
  #longPath: string | undefined;
  #longLink: string | undefined;
  #oldGnuMap: OldGnuMap | undefined;
  #leadingMap: LeadingMap | undefined;
  #paxSparse: PaxSparse | undefined;
  #entry: TarEntry | undefined;
  #segments: readonly Segment[] = [];
  #segment = 0;
  #offsetInSegment = 0;
  #dataBytes = 0;
  #paddingBytes = 0;

  constructor(sink: TarSink) {
    this.#sink = sink;
  }

  /** Takes the next bytes. What follows the end of the archive is ignored. @throws ARCHIVE_INVALID */
  write(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    let at = 0;
    while (at < bytes.length && this.#state !== "end") {
      if (this.#state === "data") at = this.#takeData(bytes, at);
      else if (this.#state === "padding") at = this.#skipPadding(bytes, at);
      else at = this.#takeBlock(bytes, at);
    }
  }

  /** Says that no more bytes come. @throws ARCHIVE_INVALID when the archive stops inside an entry */
  end(): void {
    const isBetween = this.#state === "header" && this.#pendingBytes === 0 && !this.#hasMetadata();
    if (this.#state !== "end" && !isBetween) throw invalid("it ends in the middle of an entry");
  }

  #hasMetadata(): boolean {
    return this.#locals.length > 0 || this.#longPath !== undefined || this.#longLink !== undefined;
  }

  #takeBlock(bytes: Buffer, at: number): number {
    if (this.#pendingBytes === 0 && bytes.length - at >= this.#wantedBytes) {
      const end = at + this.#wantedBytes;
      this.#onBlock(bytes.subarray(at, end));
      return end;
    }
    const end = Math.min(bytes.length, at + this.#wantedBytes - this.#pendingBytes);
    this.#pending.push(Buffer.from(bytes.subarray(at, end)));
    this.#pendingBytes += end - at;
    if (this.#pendingBytes === this.#wantedBytes) {
      const block = Buffer.concat(this.#pending);
      this.#pending = [];
      this.#pendingBytes = 0;
      this.#onBlock(block);
    }
    return end;
  }

  #onBlock(block: Buffer): void {
    if (this.#state === "header") this.#onHeader(block);
    else if (this.#state === "metadata") this.#onMetadata(block);
    else if (this.#state === "map-extension") this.#onMapExtension(block);
    else if (this.#leadingMap?.push(block))
      this.#beginFile(this.#leadingMap.segments, this.#leadingMap.sizeBytes);
    else if ((this.#leadingMap?.sizeBytes ?? 0) >= this.#storedSize())
      throw invalid("a sparse file's map is cut off");
  }

  #onHeader(block: Buffer): void {
    const raw = parseHeader(block);
    if (raw === undefined) {
      if (this.#hasMetadata()) throw invalid("a long name or pax header stands alone at the end");
      this.#state = "end";
      return;
    }
    this.#raw = raw;
    if ("xgXLK".includes(raw.type)) this.#expectMetadata(raw.sizeBytes);
    else if (raw.type === "S") this.#onOldGnuSparse(block);
    else this.#onMember();
  }

  #expectMetadata(sizeBytes: number): void {
    if (sizeBytes < 0 || sizeBytes > metadataLimitBytes)
      throw invalid(`a header of ${sizeBytes} bytes describes an entry; the limit is ${metadataLimitBytes}`);
    this.#state = "metadata";
    this.#wantedBytes = paddedSize(sizeBytes);
    if (sizeBytes === 0) this.#onMetadata(Buffer.alloc(0));
  }

  #onMetadata(padded: Buffer): void {
    const body = padded.subarray(0, this.#raw?.sizeBytes ?? 0);
    const type = this.#raw?.type;
    if (type === "L") this.#longPath = decodeName(untilNul(body));
    else if (type === "K") this.#longLink = decodeName(untilNul(body));
    else if (type === "g") this.#globals = [...this.#globals, ...parsePax(Buffer.from(body))];
    else this.#locals = parsePax(Buffer.from(body));
    this.#expectHeader();
  }

  #expectHeader(): void {
    this.#state = "header";
    this.#wantedBytes = blockSize;
  }

  #onOldGnuSparse(block: Buffer): void {
    this.#oldGnuMap = new OldGnuMap(block);
    if (this.#oldGnuMap.continues) this.#state = "map-extension";
    else this.#beginFile(this.#oldGnuMap.segments, 0);
  }

  #onMapExtension(block: Buffer): void {
    this.#oldGnuMap?.extend(block);
    if (this.#oldGnuMap?.continues === false) this.#beginFile(this.#oldGnuMap.segments, 0);
  }

  #onMember(): void {
    const type = this.#raw?.type ?? "0";
    const kind = kinds[type];
    if (kind === undefined && type !== "V" && type !== "D")
      throw invalid(`the entry "${this.#raw?.path}" is of the unknown type ${JSON.stringify(type)}`);
    this.#paxSparse = kind === "file" ? parsePaxSparse([...this.#globals, ...this.#locals]) : undefined;
    if (this.#paxSparse !== undefined && this.#paxSparse.segments === undefined) {
      this.#leadingMap = new LeadingMap();
      this.#state = "map";
      return;
    }
    this.#beginFile(this.#paxSparse?.segments, 0);
  }

  /** The bytes that the archive holds for this entry; pax records win over the header. */
  #storedSize(): number {
    const record =
      this.#locals.findLast(({ key }) => key === "size") ??
      this.#globals.findLast(({ key }) => key === "size");
    const size = record === undefined ? (this.#raw?.sizeBytes ?? 0) : paxInteger(record.value);
    if (size < 0) throw invalid("an entry has a negative size");
    return size;
  }

  #beginFile(map: readonly Segment[] | undefined, mapBytes: number): void {
    const raw = this.#raw;
    if (raw === undefined) throw invalid("an entry has no header");
    const hasBody = raw.type === "S" || raw.type === "D" || raw.type === "V" || kinds[raw.type] === "file";
    const stored = hasBody ? this.#storedSize() : 0;
    const realSizeBytes = this.#oldGnuMap?.realSizeBytes ?? this.#paxSparse?.realSizeBytes ?? stored;
    const segments =
      map === undefined
        ? undefined
        : checkSegments(map, { realSizeBytes, storedSizeBytes: stored - mapBytes });
    this.#segments = segments ?? [{ offset: 0, sizeBytes: stored }];
    this.#segment = 0;
    this.#offsetInSegment = 0;
    this.#dataBytes = stored - mapBytes;
    this.#paddingBytes = paddedSize(stored) - stored;
    this.#announce(raw, segments, realSizeBytes);
    this.#forgetMetadata();
    this.#state = "data";
    if (this.#dataBytes === 0) this.#endEntry();
  }

  #announce(raw: RawHeader, segments: readonly Segment[] | undefined, realSizeBytes: number): void {
    if (raw.type === "V") return;
    const path = this.#findPaxPath() ?? this.#longPath ?? raw.path;
    const kind = kindOf(raw.type, path);
    const base = tarEntry({
      kind,
      path,
      mode: raw.mode,
      uid: raw.uid,
      gid: raw.gid,
      userName: raw.userName,
      groupName: raw.groupName,
      sizeBytes: kind === "file" ? realSizeBytes : 0,
      mtimeSeconds: raw.mtimeSeconds,
      linkPath: kind === "symlink" || kind === "hardlink" ? (this.#longLink ?? raw.linkPath) : "",
      device: { major: raw.major, minor: raw.minor },
      segments,
    });
    this.#entry = finish(
      this.#hasRecords() ? withRecords(base, [...this.#globals, ...this.#locals]) : base,
      this.#paxSparse?.path,
    );
    this.#sink.onEntry(this.#entry);
  }

  #findPaxPath(): string | undefined {
    const isPath = ({ key }: PaxRecord): boolean => key === "path";
    const record = this.#locals.findLast(isPath) ?? this.#globals.findLast(isPath);
    return record === undefined ? undefined : decodeName(record.value);
  }

  #hasRecords(): boolean {
    return this.#globals.length > 0 || this.#locals.length > 0;
  }

  #forgetMetadata(): void {
    this.#locals = [];
    this.#longPath = undefined;
    this.#longLink = undefined;
    this.#oldGnuMap = undefined;
    this.#leadingMap = undefined;
    this.#paxSparse = undefined;
  }

  #takeData(bytes: Buffer, start: number): number {
    let at = start;
    while (at < bytes.length && this.#dataBytes > 0) {
      const segment = this.#segments[this.#segment];
      if (segment === undefined) throw invalid("a file has more data than its map says");
      const length = Math.min(bytes.length - at, segment.sizeBytes - this.#offsetInSegment);
      const isWanted = this.#entry?.kind === "file";
      if (isWanted)
        this.#sink.onData(bytes.subarray(at, at + length), segment.offset + this.#offsetInSegment);
      at += length;
      this.#dataBytes -= length;
      this.#offsetInSegment += length;
      if (this.#offsetInSegment === segment.sizeBytes) {
        this.#segment += 1;
        this.#offsetInSegment = 0;
      }
    }
    if (this.#dataBytes === 0) this.#endEntry();
    return at;
  }

  #endEntry(): void {
    const entry = this.#entry;
    this.#entry = undefined;
    if (this.#paddingBytes > 0) this.#state = "padding";
    else this.#expectHeader();
    if (entry !== undefined) this.#sink.onEntryEnd(entry);
  }

  #skipPadding(bytes: Buffer, at: number): number {
    const length = Math.min(bytes.length - at, this.#paddingBytes);
    this.#paddingBytes -= length;
    if (this.#paddingBytes === 0) this.#expectHeader();
    return at + length;
  }
}

const kinds: Readonly<Record<string, TarKind>> = {
  "0": "file",
  "\0": "file",
  "7": "file",
  S: "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "character",
  "4": "block",
  "5": "directory",
  "6": "fifo",
  D: "directory",
};

/** Before ustar there was no type for directories: a slash at the end of the name said it. */
function kindOf(type: string, path: string): TarKind {
  const kind = kinds[type] ?? "file";
  return kind === "file" && type !== "S" && path.endsWith("/") ? "directory" : kind;
}

function withRecords(entry: TarEntry, records: readonly PaxRecord[]): TarEntry {
  const fields: { -readonly [K in keyof TarEntry]: TarEntry[K] } = { ...entry };
  const xattrs = new Map<string, Uint8Array>();
  for (const { key, value } of records) {
    if (key.startsWith(xattrPrefix)) xattrs.set(key.slice(xattrPrefix.length), value);
    else applyRecord(fields, key, value);
  }
  if (xattrs.size > 0) fields.xattrs = xattrs;
  return fields;
}

function applyRecord(
  fields: { -readonly [K in keyof TarEntry]: TarEntry[K] },
  key: string,
  value: Uint8Array,
): void {
  switch (key) {
    case "linkpath":
      if (fields.kind === "symlink" || fields.kind === "hardlink") fields.linkPath = decodeName(value);
      break;
    case "uid":
      fields.uid = paxInteger(value);
      break;
    case "gid":
      fields.gid = paxInteger(value);
      break;
    case "uname":
      fields.userName = decodeName(value);
      break;
    case "gname":
      fields.groupName = decodeName(value);
      break;
    case "mtime": {
      const { seconds, nanoseconds } = paxTime(value);
      fields.mtimeSeconds = seconds;
      fields.mtimeNanoseconds = nanoseconds;
      break;
    }
    default:
      break;
  }
}

/** PATH_MAX of Linux: no call takes a longer name, and following one level by level would take hours. */
const longestName = 4096;

/** The last checks that hold for every entry: names without NUL that a file can have, directories without their slash. */
function finish(entry: TarEntry, sparsePath: string | undefined): TarEntry {
  const path = sparsePath ?? entry.path;
  if (path.includes("\0") || entry.linkPath.includes("\0")) throw invalid("a name holds a NUL byte");
  const length = Math.max(path.length, entry.linkPath.length);
  if (length > longestName) throw invalid(`a name of ${length} characters; Linux takes ${longestName}`);
  const trimmed = path.length > 1 && path.endsWith("/") ? path.replace(/\/+$/, "") || "/" : path;
  return trimmed === entry.path ? entry : { ...entry, path: trimmed };
}

function untilNul(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

function paddedSize(sizeBytes: number): number {
  return Math.ceil(sizeBytes / blockSize) * blockSize;
}

function invalid(why: string): LighterError {
  return new LighterError("ARCHIVE_INVALID", `cannot read archive: ${why}`);
}
