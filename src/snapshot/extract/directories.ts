import { chmodSync, lchownSync, lstatSync, mkdirSync, readlinkSync, type Stats, unlinkSync } from "node:fs";
import type { Files } from "#host";
import { isOverlayXattr, isWhiteout, makeOpaque } from "../overlay-form.ts";
import { LayoutDiffers } from "./layout-differs.ts";
import type { LowerView } from "./lower-view.ts";
import { hostile, invalid, joinName, parentOf, pathOf, textPathOf } from "./names.ts";
import { setTime } from "./set-time.ts";

/** As many links as the kernel follows in one name. */
const linkLimit = 40;

/** What a directory is given at the end, when nothing is written into it any more. */
interface Pending {
  readonly mtimeNs: bigint;
  /** Set when the directory could not be written into with its own mode. */
  readonly mode?: number;
}

/**
 * The directories of the root being filled. Symbolic links are followed as in a chroot, part by part and never by the
 * kernel, and directories known to be real are remembered, so that each costs one look.
 *
 * This holds because nobody else writes below the root meanwhile: it is a snapshot that belongs to this process.
 */
export class Directories {
  readonly #root: string;
  readonly #lower: LowerView;
  readonly #files: Files;
  /** From a name in the archive to the name with all links followed. */
  #real = new Map<string, string>([["", ""]]);
  readonly #pending = new Map<string, Pending>();
  /** Made before it was known whether lower layers have them, and not given attributes since. */
  readonly #assumed = new Map<string, "bare" | "dressed">();

  readonly #onSettled: () => void;

  constructor(parts: {
    readonly root: string;
    readonly lower: LowerView;
    readonly files: Files;
    /** Directories made before have been given other attributes. */
    readonly onSettled: () => void;
  }) {
    this.#root = parts.root;
    this.#onSettled = parts.onSettled;
    this.#lower = parts.lower;
    this.#files = parts.files;
    this.#keepTime("");
    if (!this.#lower.isKnown) this.#assumed.set("", "bare");
  }

  /**
   * Waits for the lower layers and gives what was made without them what they say.
   * @throws LayoutDiffers when a name that was taken for a directory is a link or a file below
   */
  settle(): void {
    if (this.#lower.isKnown) return;
    this.#lower.learn();
    for (const [name, state] of this.#assumed) this.#settleOne(name, state);
    this.#assumed.clear();
    this.#onSettled();
  }

  #settleOne(name: string, state: "bare" | "dressed"): void {
    if (name === "") {
      const { top } = this.#lower;
      if (state === "bare" && top !== undefined) this.#takeAttributes("", top);
      return;
    }
    const below = this.#lower.find(name);
    if (below === undefined) return;
    if (below.kind !== "directory") throw new LayoutDiffers(`"${name}" is no directory in the layers below`);
    if (state === "bare") this.#takeAttributes(name, below.layer);
  }

  /** The real name of a directory, made when it is absent (with the attributes that it has below, if any). */
  enter(name: string): string {
    const known = this.#real.get(name);
    if (known !== undefined) return known;
    const real = this.#step(this.enter(parentOf(name)), name.slice(name.lastIndexOf("/") + 1), {
      make: true,
      links: 0,
    });
    if (real === undefined) throw invalid(name, "its directory cannot be made");
    this.#real.set(name, real);
    return real;
  }

  /** The real name of a directory that exists here or below, or undefined. Makes nothing. */
  find(name: string): string | undefined {
    const known = this.#real.get(name);
    return known ?? this.#follow("", name, { make: false, links: 0 });
  }

  /** Whether a link that stands at this (real) name leads to a directory inside the root. */
  leadsToDirectory(name: string, target: string): boolean {
    try {
      return this.#follow(parentOf(name), target, { make: false, links: 1 }) !== undefined;
    } catch {
      return false;
    }
  }

  /** A directory was made, or given attributes, under this real name. */
  setPending(real: string, pending: Pending): void {
    if (this.#assumed.has(real)) this.#assumed.set(real, "dressed");
    this.#real.set(real, real);
    this.#pending.set(real, pending);
  }

  /** A directory or link went: what was known through it is known no more. */
  forget(real: string): void {
    this.#real = new Map([["", ""]]);
    for (const name of this.#pending.keys())
      if (name === real || name.startsWith(`${real}/`)) this.#pending.delete(name);
    // What stood there is gone, but whether it might stand there is still to be seen.
    for (const name of this.#assumed.keys())
      if (name === real || name.startsWith(`${real}/`)) this.#assumed.set(name, "dressed");
  }

  /** Gives every directory that was touched its time: writing into it has changed it. */
  finish(): void {
    for (const [name, { mtimeNs, mode }] of this.#pending) {
      const path = pathOf(this.#root, name);
      if (mode !== undefined) chmodSync(path, mode);
      setTime(this.#files, this.#root, name, mtimeNs);
    }
  }

  #follow(from: string, path: string, how: How): string | undefined {
    let current: string | undefined = path.startsWith("/") ? "" : from;
    for (const part of path.split("/")) {
      if (current === undefined) return undefined;
      if (part === "" || part === ".") continue;
      current = part === ".." ? parentOf(current) : this.#step(current, part, how);
    }
    return current;
  }

  /** One part further, following a link that stands there. */
  #step(parent: string, part: string, how: How): string | undefined {
    const name = joinName(parent, part);
    if (how.links > linkLimit) throw hostile(name, "its symbolic links lead in a circle");
    const here = this.#lookHere(name);
    if (here === "directory") return name;
    if (here !== undefined && here !== "whiteout") return this.#follow(parent, here.target, deeper(how));
    if (here === undefined && !this.#lower.isKnown) {
      if (how.make) return this.#assume(name);
      this.settle();
    }
    const below = here === "whiteout" ? undefined : this.#lower.find(name);
    if (below?.kind === "symlink") return this.#follow(parent, below.target, deeper(how));
    if (below?.kind === "other") throw invalid(name, "it is used as a directory but is none");
    if (!how.make) return below === undefined ? undefined : name;
    if (below !== undefined) this.#copyUp(name, below.layer);
    else this.#make(name, here === "whiteout");
    return name;
  }

  #assume(name: string): string {
    this.#make(name, false);
    if (!this.#assumed.has(name)) this.#assumed.set(name, "bare");
    return name;
  }

  #lookHere(name: string): "directory" | "whiteout" | { readonly target: string } | undefined {
    const path = pathOf(this.#root, name);
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return undefined;
    if (stats.isDirectory()) {
      this.#keepTime(name);
      return "directory";
    }
    if (stats.isSymbolicLink()) return { target: readlinkSync(path) };
    if (!this.#lower.isEmpty && isWhiteout(stats)) return "whiteout";
    throw invalid(name, "it is used as a directory but is none");
  }

  /** Directories that the archive only passes through keep the time they have. */
  #keepTime(name: string): void {
    if (this.#pending.has(name)) return;
    const { mtimeNs } = lstatSync(pathOf(this.#root, name), { bigint: true });
    this.#pending.set(name, { mtimeNs });
  }

  #make(name: string, overWhiteout: boolean): void {
    const path = pathOf(this.#root, name);
    if (overWhiteout) unlinkSync(path);
    mkdirSync(path);
    chmodSync(path, 0o755);
    if (overWhiteout) this.hideBelow(name);
    this.#keepTime(name);
  }

  /** What lower layers hold in this directory is not to be seen. */
  hideBelow(name: string): void {
    if (this.#lower.isEmpty) return;
    makeOpaque(this.#files, textPathOf(this.#root, name));
    this.#lower.hide(name);
  }

  #copyUp(name: string, layer: string): void {
    mkdirSync(pathOf(this.#root, name));
    this.#takeAttributes(name, layer);
  }

  #takeAttributes(name: string, layer: string): void {
    const from = pathOf(layer, name);
    const to = pathOf(this.#root, name);
    const stats: Stats = lstatSync(from);
    lchownSync(to, stats.uid, stats.gid);
    chmodSync(to, stats.mode & 0o7777);
    copyXattrs(this.#files, textPathOf(layer, name), textPathOf(this.#root, name));
    this.#pending.set(name, { mtimeNs: lstatSync(from, { bigint: true }).mtimeNs });
  }
}

interface How {
  readonly make: boolean;
  /** Links followed so far. */
  readonly links: number;
}

function deeper(how: How): How {
  return { make: how.make, links: how.links + 1 };
}

/** Copies all extended attributes but overlay's own. */
export function copyXattrs(files: Files, from: string, to: string): void {
  for (const name of files.listXattrs(from)) {
    if (isOverlayXattr(name)) continue;
    const value = files.getXattr(from, name);
    if (value !== undefined) files.setXattr(to, name, value);
  }
}
