import { chmodSync, lchownSync, lstatSync, lutimesSync, mkdirSync, rmSync } from "node:fs";
import { LighterError } from "#base";
import type { Files } from "#host";
import { listKeptXattrs } from "../key/entry-sum.ts";
import type { LayeredTree } from "../tree/layered-tree.ts";
import { resolveInTree } from "../tree/resolve.ts";
import { type Entry, parentPath } from "../tree/tree.ts";
import type { Ids } from "./owner.ts";

export interface DirectoryOptions {
  readonly mode: number;
  /** Absent: root's, and of the group of the directory above where that hands its group on. */
  readonly owner: Ids | undefined;
}

/**
 * Writes into the upper directory of an overlay without mounting it: what the kernel would copy up, this copies up.
 * Paths are clean and have no links in them: resolve them first.
 */
export class UpperWriter {
  /** The merged view, kept up to date. */
  readonly tree: LayeredTree;
  readonly #upper: string;
  readonly #files: Files;
  /** Directories that are there in the upper one. */
  readonly #present = new Set<string>([""]);

  constructor(options: { readonly upper: string; readonly tree: LayeredTree; readonly files: Files }) {
    this.#upper = options.upper;
    this.tree = options.tree;
    this.#files = options.files;
  }

  /** Where `path` lies in the upper directory. */
  location(path: string): string {
    return path === "" ? this.#upper : `${this.#upper}/${path}`;
  }

  /** Follows links of the merged view, the last part included; what is missing stays as written. */
  resolve(path: string): string {
    return resolveInTree(this.tree, path, true);
  }

  /**
   * Makes `path` and what is missing above it.
   * @returns the directories that were made, top first
   * @throws COPY_INVALID when something on the way is no directory
   */
  makeDirectories(path: string, options: DirectoryOptions): readonly string[] {
    const entry = this.tree.find(path);
    if (entry?.kind === "directory") return [];
    if (entry !== undefined)
      throw new LighterError(
        "COPY_INVALID",
        `cannot make directory "/${path}": it exists and is no directory`,
      );
    const above = this.makeDirectories(parentPath(path), options);
    this.makeDirectory(path, options);
    return [...above, path];
  }

  /** Makes one directory that the merged view does not have. */
  makeDirectory(path: string, options: DirectoryOptions): void {
    this.copyUp(parentPath(path));
    const location = this.location(path);
    mkdirSync(location);
    // A directory with the setgid bit hands it on, and its group.
    const { mode, gid } = lstatSync(location);
    const inherited = mode & 0o2000;
    setOwner(location, options.owner ?? { uid: 0, gid: inherited === 0 ? 0 : gid });
    chmodSync(location, options.mode | inherited);
    this.#present.add(path);
    this.tree.put(path, location);
  }

  /** Has the directory `path` of the merged view in the upper directory, with its metadata. */
  copyUp(path: string): void {
    if (this.#present.has(path)) return;
    this.#present.add(path);
    const location = this.location(path);
    if (lstatSync(location, { throwIfNoEntry: false })?.isDirectory() === true) return;
    const lower = this.tree.find(path);
    if (lower?.kind !== "directory")
      throw new LighterError("INTERNAL", `cannot copy up "${path}": no directory`);
    this.copyUp(parentPath(path));
    mkdirSync(location);
    this.tree.put(path, location);
    this.copyXattrs(lower, location);
    lchownSync(location, lower.uid, lower.gid);
    chmodSync(location, lower.mode);
    setTime(location, lower.mtimeMs / 1000);
  }

  /** Makes the place for something new at `path`, whose directory exists. */
  clear(path: string): void {
    this.copyUp(parentPath(path));
    rmSync(this.location(path), { recursive: true, force: true });
    this.#forget(path);
  }

  #forget(path: string): void {
    for (const known of this.#present)
      if (known === path || known.startsWith(`${path}/`)) this.#present.delete(known);
    this.tree.forget(path);
  }

  setMode(path: string, mode: number): void {
    chmodSync(this.location(path), mode);
  }

  copyXattrs(from: Entry, location: string): void {
    for (const name of listKeptXattrs(from.location, this.#files)) {
      const value = this.#files.getXattr(from.location, name);
      // A filesystem without attributes costs the attribute, not the build: BuildKit's choice too.
      if (value !== undefined) tryTo(() => this.#files.setXattr(location, name, value));
    }
  }
}

function tryTo(step: () => void): void {
  try {
    step();
  } catch (error) {
    if (!(error instanceof LighterError)) throw error;
  }
}

/** Changes the owner of the entry itself when it is not that already. */
export function setOwner(location: string, owner: Ids): void {
  const { uid, gid } = lstatSync(location);
  if (uid !== owner.uid || gid !== owner.gid) lchownSync(location, owner.uid, owner.gid);
}

/** Sets both times of the entry itself, links included. */
export function setTime(location: string, seconds: number): void {
  lutimesSync(location, seconds, seconds);
}
