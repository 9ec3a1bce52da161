import { LighterError } from "#base";
import type { TarEntry, TarKind } from "./entry.ts";
import { blockSize } from "./header.ts";
import { encodeName } from "./name.ts";
import { formatPax, formatPaxTime, type PaxRecord, xattrPrefix } from "./pax.ts";

const typeOf: Readonly<Record<TarKind, string>> = {
  file: "0",
  hardlink: "1",
  symlink: "2",
  character: "3",
  block: "4",
  directory: "5",
  fifo: "6",
};

const octalLimit7 = 0o7777777;
const octalLimit11 = 0o77777777777;

/**
 * The header of an entry: one ustar block and, only when something does not fit it (a long or non-ASCII name, a large number,
 * a time before 1970 or with a fraction, xattrs), a pax header before it. The same entry always gives the same bytes.
 * The file's data follows, then {@link tarPadding}. Sparse files are written in full: `segments` is not used.
 */
export function formatTarHeader(entry: TarEntry): Buffer {
  const path = entry.kind === "directory" && !entry.path.endsWith("/") ? `${entry.path}/` : entry.path;
  const records: PaxRecord[] = [];
  // Out of Node's pool: a layer of many files would make a memory of its own for each.
  const header = Buffer.allocUnsafe(blockSize);
  header.set(emptyHeader);
  putPath(header, path, records);
  putLinkPath(header, entry.linkPath, records);
  putOctal(header, 100, entry.mode & 0o7777, 7);
  putNumber(header, { start: 108, digits: 7, value: entry.uid, key: "uid" }, records);
  putNumber(header, { start: 116, digits: 7, value: entry.gid, key: "gid" }, records);
  putNumber(
    header,
    { start: 124, digits: 11, value: entry.kind === "file" ? entry.sizeBytes : 0, key: "size" },
    records,
  );
  putTime(header, entry, records);
  header.write(typeOf[entry.kind], 156, "latin1");
  putName(header, { start: 265, value: entry.userName, key: "uname" }, records);
  putName(header, { start: 297, value: entry.groupName, key: "gname" }, records);
  if (entry.kind === "character" || entry.kind === "block") putDevice(header, entry);
  if (entry.xattrs.size > 0)
    for (const [name, value] of [...entry.xattrs].sort(([a], [b]) => (a < b ? -1 : 1)))
      records.push({ key: xattrPrefix + name, value });
  putChecksum(header);
  return records.length === 0 ? header : Buffer.concat([formatPaxHeader(path, records), header]);
}

/** The zeros that follow `sizeBytes` of data, up to the next block. */
export function tarPadding(sizeBytes: number): Buffer {
  const rest = sizeBytes % blockSize;
  return rest === 0 ? zeroBlocks.subarray(0, 0) : zeroBlocks.subarray(0, blockSize - rest);
}

const zeroBlocks = Buffer.alloc(2 * blockSize);
const emptyHeader = Buffer.alloc(blockSize);
emptyHeader.write("ustar\x0000", 257, "latin1");

/** The two blocks of zeros that end an archive. */
export const tarEnd: Uint8Array = zeroBlocks;

function putPath(header: Buffer, path: string, records: PaxRecord[]): void {
  if (path.length <= 100 && isAscii(path)) {
    header.write(path, 0, "latin1");
    return;
  }
  const split = isAscii(path) ? splitPath(path) : undefined;
  if (split !== undefined) {
    header.write(split.name, 0, "latin1");
    header.write(split.prefix, 345, "latin1");
    return;
  }
  records.push({ key: "path", value: encodeName(path) });
  // Cut after a slash it would look like a directory to programs that know no pax.
  header.write(asciiOf(path).slice(0, 100).replace(/\/+$/, ""), 0, "latin1");
}

/** Cuts at a slash so that the last part fits 100 bytes and the rest 155. */
function splitPath(path: string): { prefix: string; name: string } | undefined {
  if (path.length > 256) return undefined;
  const slash = path.indexOf("/", Math.max(1, path.length - 101));
  if (slash < 0 || slash > 155 || slash === path.length - 1) return undefined;
  return { prefix: path.slice(0, slash), name: path.slice(slash + 1) };
}

function putLinkPath(header: Buffer, linkPath: string, records: PaxRecord[]): void {
  if (linkPath === "") return;
  if (linkPath.length <= 100 && isAscii(linkPath)) header.write(linkPath, 157, "latin1");
  else {
    records.push({ key: "linkpath", value: encodeName(linkPath) });
    header.write(asciiOf(linkPath).slice(0, 100), 157, "latin1");
  }
}

function putNumber(
  header: Buffer,
  field: { readonly start: number; readonly digits: 7 | 11; readonly value: number; readonly key: string },
  records: PaxRecord[],
): void {
  const fits = field.value >= 0 && field.value <= (field.digits === 7 ? octalLimit7 : octalLimit11);
  if (!fits) records.push({ key: field.key, value: Buffer.from(String(field.value)) });
  putOctal(header, field.start, fits ? field.value : 0, field.digits);
}

function putTime(header: Buffer, entry: TarEntry, records: PaxRecord[]): void {
  const { mtimeSeconds: seconds, mtimeNanoseconds: nanoseconds } = entry;
  const fits = seconds >= 0 && seconds <= octalLimit11;
  if (!fits || nanoseconds !== 0)
    records.push({ key: "mtime", value: Buffer.from(formatPaxTime(seconds, nanoseconds)) });
  putOctal(header, 136, fits ? seconds : 0, 11);
}

function putName(
  header: Buffer,
  field: { readonly start: number; readonly value: string; readonly key: string },
  records: PaxRecord[],
): void {
  if (field.value === "") return;
  if (field.value.length <= 32 && isAscii(field.value)) header.write(field.value, field.start, "latin1");
  else records.push({ key: field.key, value: encodeName(field.value) });
}

function putDevice(header: Buffer, entry: TarEntry): void {
  const { major, minor } = entry.device;
  if (major > octalLimit7 || minor > octalLimit7)
    throw new LighterError(
      "ARCHIVE_INVALID",
      `cannot write "${entry.path}": device ${major}:${minor} does not fit a tar header`,
    );
  putOctal(header, 329, major, 7);
  putOctal(header, 337, minor, 7);
}

function putOctal(header: Buffer, start: number, value: number, digits: number): void {
  let left = value;
  for (let at = start + digits - 1; at >= start; at -= 1) {
    const above = Math.floor(left / 8);
    header[at] = 0x30 + (left - above * 8);
    left = above;
  }
}

function putChecksum(header: Buffer): void {
  let sum = 8 * 0x20;
  for (let at = 0; at < blockSize; at += 1) sum += header[at] ?? 0;
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
}

function formatPaxHeader(path: string, records: readonly PaxRecord[]): Buffer {
  const body = formatPax(records);
  const header = Buffer.alloc(blockSize);
  const slash = path.replace(/\/$/, "").lastIndexOf("/");
  const name = `${asciiOf(path.slice(0, slash + 1))}PaxHeaders.0/${asciiOf(path.slice(slash + 1))}`;
  header.write(name.slice(0, 100).replace(/\/$/, ""), 0, "latin1");
  putOctal(header, 100, 0o644, 7);
  putOctal(header, 108, 0, 7);
  putOctal(header, 116, 0, 7);
  putOctal(header, 124, body.length, 11);
  putOctal(header, 136, 0, 11);
  header.write("x", 156, "latin1");
  header.write("ustar\x0000", 257, "latin1");
  putChecksum(header);
  return Buffer.concat([header, body, tarPadding(body.length)]);
}

function isAscii(text: string): boolean {
  return !/[^\x01-\x7f]/.test(text);
}

function asciiOf(text: string): string {
  return text.replace(/[^\x01-\x7f]/g, "");
}
