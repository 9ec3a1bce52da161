import { TarReader } from "#archive";
import { LighterError } from "#base";
import type { BinaryPackage } from "#debian";
import { checkDebEntry, type DebEntry } from "./deb-entries.ts";
import { ofPackage } from "./open-package.ts";
import type { FileSink, TreeWriter } from "./tree-writer.ts";

/** How packages are unpacked into a tree. */
export interface UnpackOptions {
  readonly tree: TreeWriter;
  /** Packages by name: who may replace whose files. */
  readonly packages: ReadonlyMap<string, BinaryPackage>;
  /** Whether a path (no leading slash) is to be left out, as dpkg's path-exclude does. */
  readonly isExcluded: (path: string) => boolean;
  /** Takes a file that is read and not written; undefined for those of the tree. */
  readonly collect?: (path: string) => FileSink | undefined;
}

/** What unpacking leaves for the database. */
export interface Unpacked {
  /** Absolute paths as the package names them, the root as `/.`: dpkg's file list. */
  readonly paths: readonly string[];
  readonly newestSeconds: number;
}

/**
 * Unpacks the data of one package, given in parts, into the tree. A file that another package has is an error, unless one
 * of the two replaces the other: then that one's file stands, whichever came first. Disposing closes what is open.
 */
export class PackageUnpacker implements Disposable {
  readonly #candidate: BinaryPackage;
  readonly #options: UnpackOptions;
  readonly #reader: TarReader;
  readonly #paths: string[] = [];
  #newestSeconds = 0;
  #file: FileSink | undefined;

  constructor(candidate: BinaryPackage, options: UnpackOptions) {
    this.#candidate = candidate;
    this.#options = options;
    this.#reader = new TarReader({
      onEntry: (entry) => this.#begin(checkDebEntry(entry)),
      onData: (bytes) => this.#file?.write(bytes),
      onEntryEnd: () => this[Symbol.dispose](),
    });
  }

  /** @throws PACKAGE_INVALID, PACKAGES_CONFLICT, STORE_FULL */
  write(bytes: Uint8Array): void {
    this.#attempt(() => this.#reader.write(bytes));
  }

  /** @throws PACKAGE_INVALID when the archive is cut short */
  end(): Unpacked {
    this.#attempt(() => this.#reader.end());
    return { paths: this.#paths, newestSeconds: this.#newestSeconds };
  }

  [Symbol.dispose](): void {
    this.#file?.close();
    this.#file = undefined;
  }

  #begin(entry: DebEntry): void {
    this.#newestSeconds = Math.max(this.#newestSeconds, entry.mtimeSeconds);
    if (entry.kind !== "directory" && !this.#claims(entry)) return;
    this.#paths.push(entry.path === "" ? "/." : `/${entry.path}`);
    if (entry.path === "" || this.#options.isExcluded(entry.path)) return;
    const { tree, collect } = this.#options;
    const owner = this.#candidate.name;
    switch (entry.kind) {
      case "directory":
        return tree.directory(entry.path, entry, owner);
      case "symlink":
        return tree.symlink(entry.path, entry.target, entry, owner);
      case "hardlink":
        return tree.hardlink(entry.path, entry.target, entry, owner);
      case "file":
        this.#file = collect?.(entry.path) ?? tree.open(entry.path, entry, owner);
    }
  }

  #claims(entry: DebEntry): boolean {
    const { tree, packages } = this.#options;
    const candidate = this.#candidate;
    const existing = tree.find(entry.path);
    if (existing?.owner === undefined || existing.owner === candidate.name) return true;
    // Links to directories are shared like directories: the usr-merge ones are in several packages.
    if (existing.kind === "directory") return true;
    const other = packages.get(existing.owner);
    if (other === undefined || replaces(candidate, other)) return true;
    if (replaces(other, candidate)) return false;
    if (existing.kind === "symlink" && entry.kind === "symlink" && existing.target === entry.target)
      return true;
    throw new LighterError(
      "PACKAGES_CONFLICT",
      `cannot unpack "${entry.path}": package "${existing.owner}" has it too, and neither replaces the other`,
    );
  }

  #attempt(action: () => void): void {
    try {
      action();
    } catch (error) {
      throw ofPackage(this.#candidate, error);
    }
  }
}

function replaces(newer: BinaryPackage, older: BinaryPackage): boolean {
  return newer.replaces.some(({ name }) => name === older.name);
}
