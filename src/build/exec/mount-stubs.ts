import {
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmdirSync,
  unlinkSync,
  utimesSync,
} from "node:fs";
import { join } from "node:path";
import type { Files } from "#host";
import { LayeredTree } from "../tree/layered-tree.ts";
import { resolveInTree } from "../tree/resolve.ts";
import { joinPath, parentPath } from "../tree/tree.ts";

export interface MountPoint {
  readonly path: string;
  readonly kind: "directory" | "file";
}

export interface StubOptions {
  /** Where the tree is mounted. */
  readonly rootfs: string;
  /** Its layers, top first: links are resolved by them, so that nothing outside the root is touched. */
  readonly layers: readonly string[];
  readonly files: Files;
}

/**
 * Makes the mount points that the tree lacks, and on dispose removes those that are still empty, without a trace in the
 * times of their directories.
 * @see https://github.com/moby/buildkit/blob/v0.32.2/executor/stubs.go
 */
export function makeMountPoints(points: readonly MountPoint[], options: StubOptions): Disposable {
  const made: string[] = [];
  for (const point of points) made.push(...makePoint(point, options));
  return {
    [Symbol.dispose]() {
      for (const path of made.reverse()) removeEmpty(path, options);
    },
  };
}

function makePoint(point: MountPoint, options: StubOptions): readonly string[] {
  const tree = new LayeredTree(options.layers, options.files);
  const path = resolveInTree(tree, point.path, true);
  const made: string[] = [];
  let at = "";
  for (const part of path.split("/").filter(Boolean)) {
    const next = joinPath(at, part);
    if (tree.find(next) === undefined) {
      const isFile = next === path && point.kind === "file";
      keepingTime(join(options.rootfs, at), () => makeStub(join(options.rootfs, next), isFile));
      made.push(next);
      tree.forget(next);
    }
    at = next;
  }
  return made;
}

function makeStub(location: string, isFile: boolean): void {
  if (isFile) closeSync(openSync(location, "wx", 0o644));
  else mkdirSync(location, 0o755);
}

function removeEmpty(path: string, { rootfs, layers, files }: StubOptions): void {
  // The program may have put a link in place of a directory: only what a walk without links finds is removed.
  const entry = new LayeredTree(layers, files).find(path);
  const location = join(rootfs, path);
  const parent = join(rootfs, parentPath(path));
  if (entry?.kind === "directory" && readdirSync(location).length === 0)
    keepingTime(parent, () => rmdirSync(location));
  if (entry?.kind === "file" && entry.stats.size === 0) keepingTime(parent, () => unlinkSync(location));
}

function keepingTime(directory: string, change: () => void): void {
  const { atime, mtime } = lstatSync(directory);
  change();
  utimesSync(directory, atime, mtime);
}
