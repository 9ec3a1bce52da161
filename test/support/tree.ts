import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync, type Stats } from "node:fs";
import { join } from "node:path";
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
    readdirSync(join(root, directory))
      .sort()
      .flatMap((name) => {
        const path = directory === "" ? name : `${directory}/${name}`;
        const stats = lstatSync(join(root, path));
        const line = [path, describe(join(root, path), stats), ...extras(join(root, path), stats, options)];
        const first = firstNames.get(stats.ino);
        if (stats.nlink > 1 && !stats.isDirectory()) {
          firstNames.set(stats.ino, first ?? path);
          if (first !== undefined) line.push(`= ${first}`);
        }
        return [line.join(" "), ...(stats.isDirectory() ? walk(path) : [])];
      });
  return walk("");
}

function describe(path: string, stats: Stats): string {
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

function extras(path: string, stats: Stats, options: TreeOptions): readonly string[] {
  const time = options.times ? [`@${Math.floor(stats.mtimeMs / 1000)}`] : [];
  const names = [...(options.files?.listXattrs(path) ?? [])].sort();
  const xattrs = names.map(
    (name) => `${name}=${Buffer.from(options.files?.getXattr(path, name) ?? []).toString("hex")}`,
  );
  return [...time, ...xattrs];
}

function shortHash(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex").slice(0, 8);
}

function device(rdev: number): string {
  return `${(rdev >> 8) & 0xfff}:${(rdev & 0xff) | ((rdev >> 12) & 0xfff00)}`;
}
