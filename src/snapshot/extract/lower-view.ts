import { lstatSync, readlinkSync } from "node:fs";
import type { Files } from "#host";
import { isOpaque, isWhiteout } from "../overlay-form.ts";
import { joinName, parentOf, pathOf } from "./names.ts";

/** What the layers below hold under a name, and in which of them it was found. */
export type Lower =
  | { readonly kind: "directory"; readonly layer: string }
  | { readonly kind: "symlink"; readonly layer: string; readonly target: string }
  | { readonly kind: "other"; readonly layer: string };

/**
 * The merged tree of the layers below the one being written, without a mount. Names are real ones: the caller has
 * followed the links that lead to them.
 */
export class LowerView {
  readonly #files: Files;
  /** By directory, the layers that contribute to it, top first. */
  readonly #contributors = new Map<string, readonly string[]>();
  readonly #wait: (() => readonly string[]) | undefined;

  constructor(layers: readonly string[] | (() => readonly string[]), files: Files) {
    this.#files = files;
    if (typeof layers === "function") this.#wait = layers;
    else this.#contributors.set("", layers);
  }

  /** Whether it is known by now what lies below. */
  get isKnown(): boolean {
    return this.#contributors.has("");
  }

  /** Waits until it is. */
  learn(): void {
    if (!this.isKnown) this.#contributors.set("", this.#wait?.() ?? []);
  }

  /** The topmost layer, whose root is the one that is seen. */
  get top(): string | undefined {
    return this.#contributors.get("")?.[0];
  }

  get isEmpty(): boolean {
    return this.#contributors.get("")?.length === 0;
  }

  find(name: string): Lower | undefined {
    if (name === "" || this.isEmpty) return undefined;
    for (const layer of this.#layersOf(parentOf(name))) {
      const path = pathOf(layer, name);
      const stats = lstatSync(path, { throwIfNoEntry: false });
      if (stats === undefined) continue;
      if (isWhiteout(stats)) return undefined;
      if (stats.isDirectory()) return { kind: "directory", layer };
      if (stats.isSymbolicLink()) return { kind: "symlink", layer, target: readlinkSync(path) };
      return { kind: "other", layer };
    }
    return undefined;
  }

  /** From now on the layers below hold nothing under this directory: it was made opaque above them. */
  hide(name: string): void {
    for (const known of this.#contributors.keys())
      if (known.startsWith(`${name}/`) || name === "") this.#contributors.delete(known);
    this.#contributors.set(name, []);
  }

  #layersOf(directory: string): readonly string[] {
    const known = this.#contributors.get(directory);
    if (known !== undefined) return known;
    const found: string[] = [];
    for (const layer of this.#layersOf(parentOf(directory))) {
      const stats = lstatSync(pathOf(layer, directory), { throwIfNoEntry: false });
      if (stats === undefined) continue;
      if (!stats.isDirectory()) break;
      found.push(layer);
      if (isOpaque(this.#files, joinName(layer, directory))) break;
    }
    this.#contributors.set(directory, found);
    return found;
  }
}
