import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync, type Stats } from "node:fs";
import { join } from "node:path";
import { decodeName, encodeName } from "#archive";
import type { Files } from "#host";

/** What of each entry a dump shows besides its name, kind and content. */
export interface TreeOptions {
  /** Shows attributes when given. */
  readonly files?: Files;
  /** Whole seconds. */
  readonly times?: boolean;
}

/**
 * A directory as one line an entry, sorted: `etc/passwd file 0644 0:0 12 sha256 of the first 8 digits`. Whiteouts of an
 * upper directory are `whiteout`, hard links show the first name of their file.
 */
export function treeLines(root: string, options: TreeOptions = {}): readonly string[] {
  const firstNames = new Map<number, string>();
  const walk = (directory: string): readonly string[] =>
    readdirSync(encodeName(join(root, directory)), "buffer")
      .map(decodeName)
      .sort()
      .flatMap((name) => {
        const path = directory === "" ? name : `${directory}/${name}`;
        const full = encodeName(join(root, path));
        const stats = lstatSync(full);
        const line = [path, describe(full, stats), ...extras(full, stats, options)];
        const first = firstNames.get(stats.ino);
        if (stats.nlink > 1 && !stats.isDirectory()) {
          firstNames.set(stats.ino, first ?? path);
          if (first !== undefined) line.push(`= ${first}`);
        }
        return [line.join(" "), ...(stats.isDirectory() ? walk(path) : [])];
      });
  return walk("");
}

function describe(path: Buffer, stats: Stats): string {
  const mode = (stats.mode & 0o7777).toString(8).padStart(4, "0");
  const common = `${mode} ${stats.uid}:${stats.gid}`;
  if (stats.isSymbolicLink()) return `link ${stats.uid}:${stats.gid} -> ${readlinkSync(path)}`;
  if (stats.isDirectory()) return `dir ${common}`;
  if (stats.isFile()) return `file ${common} ${stats.size} ${shortHash(readFileSync(path))}`;
  if (stats.isCharacterDevice())
    return stats.rdev === 0 ? "whiteout" : `char ${common} ${device(stats.rdev)}`;
  if (stats.isBlockDevice()) return `block ${common} ${device(stats.rdev)}`;
  return stats.isFIFO() ? `fifo ${common}` : `other ${common}`;
}

function extras(path: Buffer, stats: Stats, options: TreeOptions): readonly string[] {
  const time = options.times ? [`@${Math.floor(stats.mtimeMs / 1000)}`] : [];
  const text = path.toString();
  // The host's calls take text only.
  const names = Buffer.from(text).equals(path) ? [...(options.files?.listXattrs(text) ?? [])].sort() : [];
  const xattrs = names.map(
    (name) => `${name}=${Buffer.from(options.files?.getXattr(text, name) ?? []).toString("hex")}`,
  );
  return [...time, ...xattrs];
}

function shortHash(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex").slice(0, 8);
}

function device(rdev: number): string {
  return `${(rdev >> 8) & 0xfff}:${(rdev & 0xff) | ((rdev >> 12) & 0xfff00)}`;
}
