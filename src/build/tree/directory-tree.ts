import { lstatSync, readdirSync } from "node:fs";
import { LighterError } from "#base";
import type { IgnoreEntry, IgnoreMatcher } from "#dockerfile";
import { resolveInTree } from "./resolve.ts";
import { baseName, type Entry, entryOf, joinPath, parentPath, type Tree } from "./tree.ts";

/**
 * A directory of this machine, read in place, without what the ignore file hides. Everything belongs to root, as when
 * a client sends a context to a builder.
 *
 * Entries are remembered, so that a build sees one state of each file's metadata.
 */
export class DirectoryTree implements Tree {
  readonly root: string;
  /** What the ignore file says of each directory that was asked for. */
  readonly #ignored = new Map<string, IgnoreEntry>();
  readonly #entries = new Map<string, Entry | undefined>();
  readonly #names = new Map<string, readonly string[]>();

  constructor(root: string, ignore?: IgnoreMatcher) {
    this.root = root;
    if (ignore !== undefined && ignore.patterns.length > 0) this.#ignored.set("", ignore.root);
  }

  find(path: string): Entry | undefined {
    const known = this.#entries.get(path);
    if (known !== undefined || this.#entries.has(path)) return known;
    const entry = this.#look(path);
    this.#entries.set(path, entry);
    return entry;
  }

  #look(path: string): Entry | undefined {
    if (path !== "" && this.find(parentPath(path))?.kind !== "directory") return undefined;
    const ignore = path === "" ? undefined : this.#ignoreOf(path);
    const isHidden = ignore?.ignored === true;
    if (isHidden && !ignore.mayContain()) return undefined;
    const location = path === "" ? this.root : `${this.root}/${path}`;
    // The root itself may be given as a link; nothing below it is followed.
    const stats = lstatSync(path === "" ? `${location}/.` : location, { throwIfNoEntry: false });
    if (stats === undefined) return undefined;
    if (isHidden && !(stats.isDirectory() && hasVisible(ignore, location))) return undefined;
    return entryOf(location, stats, { uid: 0, gid: 0 });
  }

  whyAbsent(path: string): string | undefined {
    if (this.find(path)?.kind === "symlink")
      return "it is a link, and the build context has not what it leads to";
    const target = resolveInTree(this, path, true);
    return isThere(this.root, target) ? "the ignore file leaves it out" : undefined;
  }

  #ignoreOf(path: string): IgnoreEntry | undefined {
    const known = this.#ignored.get(path);
    if (known !== undefined || this.#ignored.size === 0) return known;
    const entry = this.#ignoreOf(parentPath(path))?.child(baseName(path));
    if (entry !== undefined) this.#ignored.set(path, entry);
    return entry;
  }

  list(path: string): readonly string[] {
    const known = this.#names.get(path);
    if (known !== undefined) return known;
    const entry = this.find(path);
    const names =
      entry?.kind === "directory"
        ? readNames(entry.location).filter(
            (name) => this.#ignored.size === 0 || this.find(joinPath(path, name)) !== undefined,
          )
        : [];
    this.#names.set(path, names);
    return names;
  }
}

/** No link is followed: what lies behind one that the tree does not have may be anywhere on this machine. */
function isThere(root: string, path: string): boolean {
  const parts = path.split("/");
  return parts.every((_, at) => {
    const location = `${root}/${parts.slice(0, at + 1).join("/")}`;
    const stats = lstatSync(location, { throwIfNoEntry: false });
    return stats !== undefined && (at === parts.length - 1 || stats.isDirectory());
  });
}

/** An ignored directory is still there when something below it is taken back by a `!` pattern. */
function hasVisible(ignore: IgnoreEntry, location: string): boolean {
  return readdirSync(location, { withFileTypes: true }).some((child) => {
    const entry = ignore.child(child.name);
    if (!entry.ignored) return true;
    return child.isDirectory() && entry.mayContain() && hasVisible(entry, `${location}/${child.name}`);
  });
}

function readNames(directory: string): readonly string[] {
  const names = readdirSync(directory).sort();
  const unreadable = names.find((name) => name.includes("\ufffd"));
  if (unreadable !== undefined)
    throw new LighterError(
      "CONTEXT_INVALID",
      `cannot read "${directory}/${unreadable}": the name is not UTF-8; rename the file or ignore its directory`,
    );
  return names;
}
