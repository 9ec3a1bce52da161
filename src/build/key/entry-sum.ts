import { createHash } from "node:crypto";
import { closeSync, constants, openSync, readlinkSync, readSync } from "node:fs";
import type { Files } from "#host";
import type { Entry } from "../tree/tree.ts";

/** Reads what a cache key wants to know about an entry beyond lstat: bytes, link target, extended attributes. */
export interface EntryReader {
  sum(entry: Entry): string;
}

const chunkBytes = 1 << 20;

/** Reads entries one after another with one buffer. */
export function createEntryReader(files: Pick<Files, "listXattrs" | "getXattr">): EntryReader {
  let buffer: Buffer | undefined;
  return {
    sum(entry) {
      buffer ??= Buffer.allocUnsafeSlow(chunkBytes);
      const data = dataSum(entry, buffer);
      const attributes = entry.kind === "symlink" ? "" : xattrText(entry.location, files);
      return attributes === "" ? data : createHash("sha256").update(`${data}\n${attributes}`).digest("hex");
    },
  };
}

function dataSum(entry: Entry, buffer: Buffer): string {
  if (entry.kind === "symlink")
    return createHash("sha256").update(readlinkSync(entry.location)).digest("hex");
  if (entry.kind !== "file") return "-";
  const hash = createHash("sha256");
  const fd = openSync(entry.location, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    for (;;) {
      const size = readSync(fd, buffer, 0, buffer.length, null);
      if (size > 0) hash.update(buffer.subarray(0, size));
      if (size < buffer.length) return hash.digest("hex");
    }
  } finally {
    closeSync(fd);
  }
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
