import { fstatSync, ftruncateSync, readSync, writeSync } from "node:fs";
import type { Sys } from "./sys.ts";
import { systemError } from "./system-error.ts";

const FICLONE = 0x40049409;
const SEEK_DATA = 3;
const SEEK_HOLE = 4;
const ENXIO = -6;
const bufferBytes = 1 << 20;

/**
 * Copies the first `sizeBytes` of one open file to another, from offset 0 to offset 0, and sets the length of the
 * target. By reflink, else copy_file_range, else read and write; holes stay holes.
 *
 * @returns bytes of the source that exist, at most `sizeBytes`
 */
export function copyContents(sys: Sys, fromFd: number, toFd: number, sizeBytes: number): number {
  const source = fstatSync(fromFd);
  const size = source.isFile() ? Math.min(sizeBytes, source.size) : sizeBytes;
  if (size === 0) return 0;
  if (size === source.size && sys.ioctlNumber(toFd, FICLONE, fromFd) >= 0) return size;
  if (source.isFile() && source.blocks * 512 < size) return copyWithHoles(sys, fromFd, toFd, size);
  return copyRange(sys, { fromFd, toFd, start: 0, end: size });
}

/** See `Files.findData`. */
export function findData(sys: Sys, fd: number, offsetBytes: number): number {
  const start = sys.lseek(fd, offsetBytes, SEEK_DATA);
  if (start === ENXIO) return Number.POSITIVE_INFINITY;
  return start < 0 ? offsetBytes : start;
}

function copyWithHoles(sys: Sys, fromFd: number, toFd: number, size: number): number {
  ftruncateSync(toFd, size);
  let offset = 0;
  while (offset < size) {
    const start = findData(sys, fromFd, offset);
    if (start >= size) break;
    const hole = sys.lseek(fromFd, start, SEEK_HOLE);
    const end = hole < 0 ? size : Math.min(size, hole);
    copyRange(sys, { fromFd, toFd, start, end });
    offset = end;
  }
  return size;
}

interface Range {
  readonly fromFd: number;
  readonly toFd: number;
  readonly start: number;
  readonly end: number;
}

function copyRange(sys: Sys, range: Range): number {
  const offsets = Buffer.alloc(16);
  let offset = range.start;
  while (offset < range.end) {
    offsets.writeBigInt64LE(BigInt(offset), 0);
    offsets.writeBigInt64LE(BigInt(offset), 8);
    const to = offsets.subarray(8);
    const copied = sys.copyFileRange(range.fromFd, offsets, range.toFd, to, range.end - offset, 0);
    if (copied === 0) break;
    if (copied < 0) return needsPlainCopy(copied) ? copyPlainly(range, offset) : failed(copied);
    offset += copied;
  }
  return offset - range.start;
}

// EXDEV, EINVAL, ENOSYS, EOPNOTSUPP, EPERM (immutable or sealed), EBADF (append): another pair of files may still read and write.
function needsPlainCopy(result: number): boolean {
  return [-18, -22, -38, -95, -1, -9].includes(result);
}

function failed(result: number): never {
  throw systemError(result, { verb: "copy", object: "file contents" });
}

function copyPlainly(range: Range, from: number): number {
  const buffer = Buffer.allocUnsafe(Math.min(bufferBytes, range.end - from));
  let offset = from;
  while (offset < range.end) {
    const read = readSync(range.fromFd, buffer, 0, Math.min(buffer.length, range.end - offset), offset);
    if (read === 0) break;
    for (let done = 0; done < read; ) done += writeSync(range.toFd, buffer, done, read - done, offset + done);
    offset += read;
  }
  return offset - range.start;
}
