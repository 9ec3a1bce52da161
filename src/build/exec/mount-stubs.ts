import {
  chownSync,
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmdirSync,
  unlinkSync,
} from "node:fs";
import { join } from "node:path";
import type { Files } from "#host";
import { LayeredTree } from "../tree/layered-tree.ts";
import { resolveInTree } from "../tree/resolve.ts";
import { joinPath, parentPath } from "../tree/tree.ts";

export interface MountPoint {
  readonly path: string;
  readonly kind: "directory" | "file";
  /** Stays in the tree when it had to be made. */
  readonly stays?: boolean;
  /** Whom it belongs to when it had to be made, and what is above it. */
  readonly owner?: { readonly uid: number; readonly gid: number };
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
  const made = points.flatMap((point) => {
    const stubs = makePoint(point, options);
    return point.stays === true ? [] : stubs;
  });
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
      const location = join(options.rootfs, next);
      const make = (): void => makeStub(location, isFile);
      if (point.stays === true) make();
      else keepingTime(join(options.rootfs, at), options.files, make);
      if (point.owner !== undefined) chownSync(location, point.owner.uid, point.owner.gid);
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
    keepingTime(parent, files, () => rmdirSync(location));
  if (entry?.kind === "file" && entry.sizeBytes === 0) keepingTime(parent, files, () => unlinkSync(location));
}

function keepingTime(directory: string, files: Files, change: () => void): void {
  const { mtimeNs } = lstatSync(directory, { bigint: true });
  change();
  files.setTime(directory, mtimeNs);
}

/**
 * Removes from an upper directory what making and removing mount points copied up and nobody changed: the layer would
 * carry directories that are just as below. Call it when the overlay is unmounted.
 */
export function dropUntouched(
  points: readonly MountPoint[],
  snapshot: { readonly upper: string; readonly lower: readonly string[]; readonly files: Files },
): void {
  const below = new LayeredTree(snapshot.lower, snapshot.files);
  for (const point of points)
    for (let path = parentPath(resolveInTree(below, point.path, true)); path !== ""; path = parentPath(path))
      if (!dropDirectory(path, below, snapshot.upper)) break;
}

function dropDirectory(path: string, below: LayeredTree, upper: string): boolean {
  const location = join(upper, path);
  const now = lstatSync(location, { throwIfNoEntry: false });
  const before = below.find(path);
  if (now?.isDirectory() !== true || before?.kind !== "directory") return now === undefined;
  const isSame =
    (now.mode & 0o7777) === before.mode &&
    now.uid === before.uid &&
    now.gid === before.gid &&
    now.mtimeMs === before.mtimeMs;
  if (!isSame || readdirSync(location).length > 0) return false;
  rmdirSync(location);
  return true;
}
