import { lstatSync } from "node:fs";

/**
 * Where to write what becomes `path`: beside it, to be renamed when it is whole. A device, a pipe or a link is written to
 * itself, for a file in its place would be another thing: `/dev/null`, `/dev/stdout`.
 */
export function partialPath(path: string): string {
  return isReplaceable(path) ? `${path}.${process.pid}.partial` : path;
}

function isReplaceable(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isFile() ?? true;
  } catch {
    return true; // who opens it is told why it cannot be
  }
}
