import { createHash } from "node:crypto";
import { closeSync, constants, openSync, readlinkSync, readSync } from "node:fs";
import type { Files } from "#host";
import type { Entry } from "../tree/tree.ts";
import { joinParts, partBytes, sumText } from "./file-sums.ts";

/** Reads what a cache key wants to know about an entry beyond lstat: bytes, link target, extended attributes. */
export interface EntryReader {
  /** @param bytesSum the sum of a file's bytes, when it is known already */
  sum(entry: Entry, bytesSum?: string): string;
}

const chunkBytes = 1 << 20;
/** Ends the sums of entries with attributes. */
const dressed = "+";

/** Whether the entry with this sum is known to have no attributes. */
export function isBareSum(sum: string | undefined): boolean {
  return sum?.endsWith(dressed) === false;
}

/** Reads entries one after another with one buffer. */
export function createEntryReader(files: Pick<Files, "listXattrs" | "getXattr">): EntryReader {
  let buffer: Buffer | undefined;
  const read = (entry: Entry): string => {
    buffer ??= Buffer.allocUnsafeSlow(chunkBytes);
    return bytesOf(entry, buffer);
  };
  return {
    sum(entry, bytesSum) {
      if (entry.kind === "symlink") return sumText(readlinkSync(entry.location));
      const data = entry.kind === "file" ? (bytesSum ?? read(entry)) : "-";
      const attributes = xattrText(entry.location, files);
      return attributes === "" ? data : `${sumText(`${data}\n${attributes}`)}${dressed}`;
    },
  };
}

/** The same sum as {@link sumFiles} gives, part by part. */
function bytesOf(entry: Entry, buffer: Buffer): string {
  const fd = openSync(entry.location, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const count = Math.max(1, Math.ceil(entry.sizeBytes / partBytes));
    return joinParts(Array.from({ length: count }, (_, part) => sumPart(fd, buffer, part === count - 1)));
  } finally {
    closeSync(fd);
  }
}

function sumPart(fd: number, buffer: Buffer, isLast: boolean): string {
  const hash = createHash("sha256");
  for (let left = isLast ? Number.POSITIVE_INFINITY : partBytes; left > 0; ) {
    const wanted = Math.min(buffer.length, left);
    const size = readSync(fd, buffer, 0, wanted, null);
    hash.update(buffer.subarray(0, size));
    left -= size;
    if (size < wanted) break;
  }
  return hash.digest("hex");
}

function xattrText(location: string, files: Pick<Files, "listXattrs" | "getXattr">): string {
  return listKeptXattrs(location, files)
    .map((name) => `${name}=${Buffer.from(files.getXattr(location, name) ?? []).toString("hex")}`)
    .join("\n");
}

/** The extended attributes that builders carry into images: `user.*` and file capabilities. */
export function listKeptXattrs(location: string, files: Pick<Files, "listXattrs">): readonly string[] {
  const names = files.listXattrs(location);
  if (names.length === 0) return names;
  return names.filter((name) => name.startsWith("user.") || name === "security.capability").sort();
}
