import { closeSync, constants, lstatSync, openSync, readFileSync } from "node:fs";
import type { Files } from "#host";
import { isOpaque, isWhiteout } from "#snapshot";

/**
 * A file of a tree made of layers. No link is followed: one of an image may lead anywhere.
 * @param layers directories, top first
 * @returns undefined when there is no regular file of that path, or it is reached through a link
 */
export function readImageFile(layers: readonly string[], path: string, files: Files): Buffer | undefined {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.length === 0 || parts.includes("..")) return undefined;
  for (const layer of layers) {
    const found = lookUp(layer, parts, files);
    if (found === "below") continue;
    return found === "hidden" ? undefined : readPlain(found.file);
  }
  return undefined;
}

/** The path in this layer; `below` when a lower layer decides, `hidden` when none may. */
function lookUp(
  layer: string,
  parts: readonly string[],
  files: Files,
): { readonly file: string } | "below" | "hidden" {
  let at = layer;
  let isOwn = false;
  for (const [depth, part] of parts.entries()) {
    at = `${at}/${part}`;
    const stats = lstatSync(at, { throwIfNoEntry: false });
    if (stats === undefined) return isOwn ? "hidden" : "below";
    if (isWhiteout(stats)) return "hidden";
    const isLast = depth === parts.length - 1;
    if (isLast ? !stats.isFile() : !stats.isDirectory()) return "hidden";
    if (!isLast && isOpaque(files, at)) isOwn = true;
  }
  return { file: at };
}

function readPlain(path: string): Buffer {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}
