import { lstatSync, readdirSync, type Stats } from "node:fs";
import type { Files } from "#host";
import { baseName, type Entry, entryOf, joinPath, parentPath, type Tree } from "./tree.ts";

const opaqueXattr = "trusted.overlay.opaque";

/**
 * The merged view of overlay layers, worked out without a mount.
 *
 * A directory of the view is the list of the layers' directories that make it up, top first: looking a name up walks
 * that list and stops at a whiteout, at a file, or below an opaque directory.
 * @see https://docs.kernel.org/filesystems/overlayfs.html
 */
export class LayeredTree implements Tree {
  readonly #files: Pick<Files, "getXattr">;
  readonly #directories = new Map<string, readonly string[]>();

  /** @param layers directories, top first */
  constructor(layers: readonly string[], files: Pick<Files, "getXattr">) {
    this.#files = files;
    this.#directories.set("", layers);
  }

  find(path: string): Entry | undefined {
    if (path === "") return this.#root();
    return this.#look(path).entry;
  }

  #root(): Entry | undefined {
    for (const layer of this.#parts("")) {
      const stats = lstatSync(layer, { throwIfNoEntry: false });
      if (stats !== undefined) return entryOf(layer, stats);
    }
    return undefined;
  }

  list(path: string): readonly string[] {
    const visible = new Set<string>();
    const hidden = new Set<string>();
    for (const directory of this.#parts(path)) {
      for (const child of readdirSync(directory, { withFileTypes: true })) {
        if (visible.has(child.name) || hidden.has(child.name)) continue;
        const isWhiteout = child.isCharacterDevice() && lstatSync(`${directory}/${child.name}`).rdev === 0;
        (isWhiteout ? hidden : visible).add(child.name);
      }
    }
    return [...visible].sort();
  }

  /** Says that the top layer now has the directory `path`, at `location`, and nothing in it yet. */
  put(path: string, location: string): void {
    this.#directories.set(path, [location, ...this.#parts(path).filter((part) => part !== location)]);
  }

  /** Forgets what is known about `path` and everything below it, after the top layer changed there. */
  forget(path: string): void {
    if (path === "") return;
    for (const known of this.#directories.keys())
      if (known === path || known.startsWith(`${path}/`)) this.#directories.delete(known);
  }

  /** The directories that make up `path`, top first; empty when it is no directory. */
  #parts(path: string): readonly string[] {
    const known = this.#directories.get(path);
    if (known !== undefined) return known;
    const { parts } = this.#look(path);
    this.#directories.set(path, parts);
    return parts;
  }

  #look(path: string): { readonly entry: Entry | undefined; readonly parts: readonly string[] } {
    const name = baseName(path);
    const parts: string[] = [];
    let entry: Entry | undefined;
    for (const directory of this.#parts(parentPath(path))) {
      const location = joinPath(directory, name);
      const stats = lstatSync(location, { throwIfNoEntry: false });
      if (stats === undefined) continue;
      if (isWhiteout(stats)) break;
      if (!stats.isDirectory()) {
        entry ??= entryOf(location, stats);
        break;
      }
      entry ??= entryOf(location, stats);
      parts.push(location);
      if (this.#isOpaque(location)) break;
    }
    return { entry, parts };
  }

  #isOpaque(location: string): boolean {
    const value = this.#files.getXattr(location, opaqueXattr);
    return value?.[0] === 0x79;
  }
}

function isWhiteout(stats: Stats): boolean {
  return stats.isCharacterDevice() && stats.rdev === 0;
}
