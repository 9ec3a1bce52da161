import type { TarEntry } from "#archive";
import { LighterError } from "#base";

/** One entry of a package's archive, its path cleaned (no leading `./`, no slash at the end; the root is ""). */
export interface DebEntry {
  readonly kind: "file" | "directory" | "symlink" | "hardlink";
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSeconds: number;
  /** Of a link: as written for a symbolic one, a cleaned path for a hard one. */
  readonly target: string;
}

/**
 * Takes an entry of a package's archive. Refuses whatever a Debian package never holds: names with `..` or from the root,
 * devices, pipes, sparse files, and links that climb out of the tree.
 * @throws PACKAGE_INVALID
 */
export function checkDebEntry(entry: TarEntry): DebEntry {
  const { kind, mode, uid, gid, mtimeSeconds } = entry;
  const path = cleanPath(entry.path);
  if (kind === "character" || kind === "block" || kind === "fifo")
    throw invalid(`"${path}" is a device or a pipe`);
  if (entry.segments !== undefined) throw invalid(`"${path}" is a sparse file`);
  if (path === "" && kind !== "directory") throw invalid("its root is no directory");
  const target = kind === "hardlink" ? cleanPath(entry.linkPath) : entry.linkPath;
  if (kind === "symlink") rejectClimbing(path, target);
  return { kind, path, target, mode, uid, gid, mtimeSeconds };
}

function cleanPath(name: string): string {
  if (name.startsWith("/")) throw invalid(`the name "${name}" begins at the root`);
  if (name.includes("\0")) throw invalid("a name has a zero byte");
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) throw invalid(`the name "${name}" holds ".."`);
  return parts.join("/");
}

/** A relative target may use `..`, but not more of them than there are directories above it. */
function rejectClimbing(path: string, target: string): void {
  if (target === "" || target.includes("\0")) throw invalid(`the link "${path}" has no target`);
  if (target.startsWith("/")) return;
  let depth = path.split("/").length - 1;
  for (const part of target.split("/")) {
    if (part === "..") depth -= 1;
    else if (part !== "" && part !== ".") depth += 1;
    if (depth < 0) throw invalid(`the link "${path}" to "${target}" leads out of the tree`);
  }
}

function invalid(why: string): LighterError {
  return new LighterError("PACKAGE_INVALID", `cannot unpack package: ${why}`);
}
