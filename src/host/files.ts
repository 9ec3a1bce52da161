import { chmodSync, closeSync, constants, fsyncSync, openSync, writeSync } from "node:fs";
import { copyContents, findData } from "./copy-contents.ts";
import { actingAs } from "./file-owner.ts";
import type { Files } from "./host.ts";
import { AT_FDCWD, type Sys } from "./sys.ts";
import { type Attempt, fileError, systemError } from "./system-error.ts";

const AT_SYMLINK_NOFOLLOW = 0x100;
const O_PATH = 0o10000000;
const RESOLVE_IN_ROOT = 0x10;
const SYNC_FILE_RANGE_WRITE = 2;
const RWF_DONTCACHE = 0x80;
const maxXattrBytes = 65_536;
const noNames: readonly string[] = Object.freeze([]);

/** The file calls that node:fs lacks, over `sys`. */
export function createFiles(sys: Sys): Files {
  // Calls are synchronous and copy the result out, so one buffer serves them all.
  const scratch = Buffer.alloc(maxXattrBytes);
  const times = Buffer.alloc(32);
  return {
    listXattrs: (path) => listXattrs(sys, path, scratch),
    getXattr: (path, name) => getXattr(sys, path, name, scratch),
    setXattr(path, name, value) {
      const result = sys.lsetxattr(path, name, value, value.length, 0);
      check(result, { verb: `set the attribute ${name} of`, object: path, capability: "CAP_SYS_ADMIN" });
    },
    removeXattr(path, name) {
      const result = sys.lremovexattr(path, name);
      if (isNoAttribute(result)) return;
      check(result, { verb: `remove the attribute ${name} of`, object: path, capability: "CAP_SYS_ADMIN" });
    },
    makeNode: (path, mode, device) => makeNode(sys, path, mode, device),
    setTime(path, mtimeNs) {
      writeTime(times, 0, mtimeNs);
      writeTime(times, 16, mtimeNs);
      const result = sys.utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW);
      check(result, { verb: "set the time of", object: path });
    },
    copyContents: (fromFd, toFd, sizeBytes) => copyContents(sys, fromFd, toFd, sizeBytes),
    findData: (fd, offset) => findData(sys, fd, offset),
    openInRoot: (root, path, options) => openInRoot(sys, root, path, options?.followLast ?? true),
    sync,
    writeUncached: (fd, bytes, offset) => writeUncached(sys, fd, bytes, offset),
    actingAs: (user, task) => actingAs(sys, user, task),
    beginFlush: (fd, offset, length) => void sys.syncFileRange(fd, offset, length, SYNC_FILE_RANGE_WRITE),
  };
}

function listXattrs(sys: Sys, path: string, scratch: Buffer): readonly string[] {
  const size = sys.llistxattr(path, scratch, scratch.length);
  if (size === 0 || isNoAttribute(size)) return noNames;
  check(size, { verb: "list the attributes of", object: path });
  return scratch.toString("utf8", 0, size - 1).split("\0");
}

function getXattr(sys: Sys, path: string, name: string, scratch: Buffer): Uint8Array | undefined {
  const size = sys.lgetxattr(path, name, scratch, scratch.length);
  if (isNoAttribute(size)) return undefined;
  check(size, { verb: `read the attribute ${name} of`, object: path });
  return Uint8Array.prototype.slice.call(scratch, 0, size);
}

// ENODATA, and ENOTSUP where the filesystem has no attributes at all.
function isNoAttribute(result: number): boolean {
  return result === -61 || result === -95;
}

function makeNode(sys: Sys, path: string, mode: number, device: { major: number; minor: number }): void {
  const result = sys.mknodat(AT_FDCWD, path, mode, deviceNumber(device.major, device.minor));
  check(result, { verb: "make the node", object: path, capability: "CAP_MKNOD" });
  // The umask was applied; a whiteout has no permission bits and is spared the second call.
  if ((mode & 0o7777) !== 0) chmodSync(path, mode & 0o7777);
}

/** A device number as mknod(2) takes it. */
function deviceNumber(major: number, minor: number): number {
  return (((major & 0xfff) << 8) | (minor & 0xff) | ((minor & ~0xff) << 12)) >>> 0;
}

function writeTime(memory: Buffer, offset: number, timeNs: bigint): void {
  const nanoseconds = ((timeNs % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  memory.writeBigInt64LE((timeNs - nanoseconds) / 1_000_000_000n, offset);
  memory.writeBigInt64LE(nanoseconds, offset + 8);
}

function openInRoot(sys: Sys, root: string, path: string, followLast: boolean): number | undefined {
  const rootFd = open(root, O_PATH | constants.O_DIRECTORY);
  try {
    const how = Buffer.alloc(24);
    const flags = O_PATH | 0o2000000 | (followLast ? 0 : constants.O_NOFOLLOW);
    how.writeBigUInt64LE(BigInt(flags), 0);
    how.writeBigUInt64LE(BigInt(RESOLVE_IN_ROOT), 16);
    // EAGAIN: a rename ran at the same time and the kernel cannot vouch for a `..`; it asks to be called again.
    let fd = -11;
    for (let tries = 0; fd === -11 && tries < 100; tries += 1)
      fd = sys.openat2(rootFd, path, how, how.length);
    if (fd === -2 || fd === -20) return undefined;
    check(fd, { verb: "resolve", object: path });
    return fd;
  } finally {
    closeSync(rootFd);
  }
}

function writeUncached(sys: Sys, fd: number, bytes: Uint8Array, offset: number): number {
  const vector = Buffer.alloc(16);
  vector.writeBigUInt64LE(sys.native.address(bytes), 0);
  vector.writeBigUInt64LE(BigInt(bytes.length), 8);
  const written = sys.pwritev2(fd, vector, 1, offset, 0, RWF_DONTCACHE);
  // Whatever the kernel has against it, the plain call succeeds or says what is wrong.
  return written > 0 ? written : writeSync(fd, bytes, 0, bytes.length, offset);
}

function sync(path: string): void {
  const fd = open(path, constants.O_RDONLY);
  try {
    fsyncSync(fd);
  } catch (error) {
    throw fileError(error, { verb: "flush", object: path });
  } finally {
    closeSync(fd);
  }
}

function open(path: string, flags: number): number {
  try {
    return openSync(path, flags);
  } catch (error) {
    throw fileError(error, { verb: "open", object: path });
  }
}

function check(result: number, attempt: Attempt): void {
  if (result < 0) throw systemError(result, attempt);
}
