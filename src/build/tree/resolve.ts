import { readlinkSync } from "node:fs";
import { LighterError } from "#base";
import { baseName, joinPath, parentPath, type Tree } from "./tree.ts";

const linkLimit = 255;

/**
 * Where `path` leads in `tree` when links are followed as a chroot would: absolute targets and `..` stay inside.
 * Parts that do not exist are kept as they are, so the result may name something absent.
 * @param followLast whether a link in the last part is followed too
 * @throws COPY_INVALID when links go round in circles
 */
export function resolveInTree(tree: Tree, path: string, followLast: boolean): string {
  let rest = path.split("/");
  let at = "";
  let links = 0;
  while (rest.length > 0) {
    const [part = "", ...later] = rest;
    rest = later;
    if (part === "" || part === ".") continue;
    if (part === "..") {
      at = parentPath(at);
      continue;
    }
    const next = joinPath(at, part);
    const entry = followLast || later.some(isName) ? tree.find(next) : undefined;
    if (entry?.kind !== "symlink") {
      at = next;
      continue;
    }
    links += 1;
    if (links > linkLimit)
      throw new LighterError("COPY_INVALID", `cannot resolve "/${path}": too many symbolic links`);
    const target = readlinkSync(entry.location);
    if (target.startsWith("/")) at = "";
    rest = [...target.split("/"), ...rest];
  }
  return at;
}

function isName(part: string): boolean {
  return part !== "" && part !== ".";
}

/** The path with links in all but its last part followed. */
export function resolveParent(tree: Tree, path: string): string {
  return joinPath(resolveInTree(tree, parentPath(path), true), baseName(path));
}
