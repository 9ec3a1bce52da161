import {
  constants,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  unlinkSync,
} from "node:fs";
import { encodeName, hasEscapes, type TarEntry, TarReader, type TarSink } from "#archive";
import { systemErrorCode } from "#base";
import { errnoOf, type Files } from "#host";
import { opaqueWhiteout, whiteoutPrefix } from "#oci";
import { isWhiteout, makeWhiteout } from "../overlay-form.ts";
import { Attributes, birthMode } from "./attributes.ts";
import { copyUpFile } from "./copy-up.ts";
import { Directories } from "./directories.ts";
import { entryError } from "./entry-error.ts";
import { FileWriter } from "./file-writer.ts";
import { LowerView } from "./lower-view.ts";
import { baseOf, cleanName, hostile, invalid, joinName, parentOf, pathOf, textPathOf } from "./names.ts";
import type { ExtractOptions, ExtractSummary, Owner } from "./options.ts";

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
const defaultLimits = { dataBytes: 256 * 2 ** 30, entries: 10_000_000 };

const typeBits = { character: 0o020000, block: 0o060000, fifo: 0o010000 } as const;

/**
 * Lays a tar archive out below a root. Nothing outside the root is read, written or linked to, whatever the archive says:
 * names are cleaned, links are followed by {@link Directories} and never by the kernel, files are made with O_EXCL.
 * A later entry of the same name replaces the earlier one.
 */
export class Extraction implements Disposable {
  readonly #options: ExtractOptions;
  readonly #files: Files;
  readonly #lower: LowerView;
  readonly #directories: Directories;
  readonly #reader: TarReader;
  readonly #limits: { readonly dataBytes: number; readonly entries: number };
  readonly #attributes: Attributes;
  #entries = 0;
  #dataBytes = 0;
  #fileBytes = 0;
  #file: { readonly writer: FileWriter; readonly entry: TarEntry; readonly name: string } | undefined;

  constructor(options: ExtractOptions) {
    this.#options = options;
    this.#files = options.host.files;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#lower = new LowerView(options.lower ?? [], this.#files);
    const { owner, root } = options;
    const ownerOf = typeof owner === "function" ? owner : (entry: Owner): Owner => owner ?? entry;
    this.#attributes = new Attributes({ files: this.#files, root, ownerOf });
    this.#directories = new Directories({
      root: options.root,
      lower: this.#lower,
      files: this.#files,
      onSettled: () => this.#attributes.forget(),
    });
    this.#reader = new TarReader(this.#sink());
  }

  /** @throws ARCHIVE_INVALID, ARCHIVE_HOSTILE, STORE_FULL, PRIVILEGE_MISSING; the root is then half filled */
  write(chunk: Uint8Array): void {
    this.#reader.write(chunk);
  }

  /** Ends the archive: directories get their times. @throws ARCHIVE_INVALID when it is cut off */
  finish(): ExtractSummary {
    try {
      this.#reader.end();
      this.#directories.settle();
      this.#directories.finish();
    } catch (error) {
      throw entryError("", error);
    }
    return {
      entries: this.#entries,
      dataBytes: this.#dataBytes,
      fileBytes: this.#fileBytes,
      warnings: this.#attributes.warnings,
    };
  }

  /** Ends the extraction, finished or not. */
  [Symbol.dispose](): void {
    this.#closeFile();
  }

  #closeFile(): void {
    this.#file?.writer.close();
    this.#file = undefined;
  }

  #sink(): TarSink {
    const guard = (name: string, step: () => void): void => {
      try {
        step();
      } catch (error) {
        throw entryError(name, error);
      }
    };
    let current = "";
    return {
      onEntry: (entry) => {
        current = entry.path;
        guard(current, () => this.#onEntry(entry));
      },
      onData: (bytes, offset) => guard(current, () => this.#file?.writer.write(bytes, offset)),
      onEntryEnd: () => guard(current, () => this.#endFile()),
    };
  }

  #onEntry(found: TarEntry): void {
    this.#count(found);
    const entry = this.#options.select === undefined ? found : this.#options.select(found);
    if (entry === undefined) return;
    checkOwner(entry);
    const name = cleanName(entry.path);
    if (this.#options.whiteouts === "overlay" && baseOf(name).startsWith(whiteoutPrefix))
      this.#whiteout(name);
    else if (name === "") this.#root(entry);
    else this.#place(entry, joinName(this.#directories.enter(parentOf(name)), baseOf(name)));
  }

  #count(entry: TarEntry): void {
    this.#entries += 1;
    if (this.#entries > this.#limits.entries)
      throw hostile(entry.path, `the archive holds more than ${this.#limits.entries} entries`);
    const dataBytes =
      entry.segments === undefined
        ? entry.sizeBytes
        : entry.segments.reduce((sum, segment) => sum + segment.sizeBytes, 0);
    this.#dataBytes += dataBytes;
    if (!baseOf(entry.path).startsWith(whiteoutPrefix))
      this.#fileBytes += entry.kind === "symlink" ? Buffer.byteLength(entry.linkPath) : entry.sizeBytes;
    if (this.#dataBytes > this.#limits.dataBytes)
      throw hostile(entry.path, `the archive unpacks to more than ${this.#limits.dataBytes} bytes`);
  }

  #root(entry: TarEntry): void {
    if (entry.kind !== "directory") throw hostile(entry.path, `the root cannot become a ${entry.kind}`);
    this.#dressDirectory(entry, "");
  }

  /** `name` is a real name: every directory in it exists and is no link. */
  #place(entry: TarEntry, name: string): void {
    switch (entry.kind) {
      case "file":
        this.#beginFile(entry, name);
        break;
      case "directory":
        this.#makeDirectory(entry, name);
        break;
      case "symlink":
        if (entry.linkPath === "") throw invalid(entry.path, "it is a link to nothing");
        this.#replacing(name, (path) => symlinkSync(nameBytes(entry.linkPath), path));
        this.#attributes.setOnLink(entry, name);
        break;
      case "hardlink":
        this.#makeHardLink(entry, name);
        break;
      case "character":
      case "block":
      case "fifo":
        this.#makeNode(entry, name);
        break;
    }
  }

  #beginFile(entry: TarEntry, name: string): void {
    const fd = this.#replacing(name, (path) =>
      openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, birthMode(entry)),
    );
    this.#file = { writer: new FileWriter(fd, entry.sizeBytes), entry, name };
  }

  #endFile(): void {
    if (this.#file === undefined) return;
    const { writer, entry, name } = this.#file;
    writer.end();
    this.#attributes.setOnFile(entry, { fd: writer.fd, name });
    this.#closeFile();
  }

  #makeDirectory(entry: TarEntry, name: string): void {
    const path = pathOf(this.#options.root, name);
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (this.#keepsLink(name, stats?.isSymbolicLink() ? readlinkSync(path) : undefined, stats === undefined))
      return;
    const wasWhiteout = stats !== undefined && isWhiteout(stats);
    if (stats !== undefined && !stats.isDirectory()) this.#remove(name);
    if (stats === undefined || !stats.isDirectory()) mkdirSync(path);
    if (wasWhiteout) this.#directories.hideBelow(name);
    this.#dressDirectory(entry, name);
  }

  #dressDirectory(entry: TarEntry, name: string): void {
    this.#directories.setPending(name, this.#attributes.setOnDirectory(entry, name));
  }

  #keepsLink(name: string, target: string | undefined, isAbsent: boolean): boolean {
    if (!this.#options.keepDirectorySymlinks) return false;
    if (isAbsent) this.#directories.settle();
    const below = isAbsent ? this.#lower.find(name) : undefined;
    const link = target ?? (below?.kind === "symlink" ? below.target : undefined);
    return link !== undefined && this.#directories.leadsToDirectory(name, link);
  }

  #makeHardLink(entry: TarEntry, name: string): void {
    const target = cleanName(entry.linkPath);
    const directory = this.#directories.find(parentOf(target));
    const real = directory === undefined ? undefined : joinName(directory, baseOf(target));
    if (real === undefined || target === "" || !this.#bringHere(real))
      throw invalid(entry.path, `it is a hard link to "${entry.linkPath}", which is not there`);
    if (real === name) return;
    if (real.startsWith(`${name}/`))
      throw invalid(
        entry.path,
        `it would replace the directory that holds "${entry.linkPath}", which it links to`,
      );
    const from = pathOf(this.#options.root, real);
    if (lstatSync(from).isDirectory())
      throw invalid(entry.path, `it is a hard link to the directory "${entry.linkPath}"`);
    this.#replacing(name, (path) => linkSync(from, path));
  }

  /** Whether a file stands at this real name, copied from the layers below when only they have it. */
  #bringHere(name: string): boolean {
    const stats = lstatSync(pathOf(this.#options.root, name), { throwIfNoEntry: false });
    if (stats !== undefined) return this.#lower.isEmpty || !isWhiteout(stats);
    this.#directories.settle();
    const below = this.#lower.find(name);
    if (below === undefined || below.kind === "directory") return false;
    this.#directories.enter(parentOf(name));
    copyUpFile(this.#files, { from: below.layer, to: this.#options.root, name });
    return true;
  }

  #makeNode(entry: TarEntry, name: string): void {
    const { major, minor } = entry.device;
    if (this.#options.whiteouts === "overlay" && entry.kind === "character" && major === 0 && minor === 0)
      throw hostile(entry.path, "a device 0:0 would hide what lower layers hold");
    const kind = entry.kind === "block" || entry.kind === "character" ? entry.kind : "fifo";
    const path = textPathOf(this.#options.root, name);
    this.#replacing(name, () => this.#files.makeNode(path, typeBits[kind] | 0o600, { major, minor }));
    this.#attributes.setOnNode(entry, name);
  }

  #whiteout(name: string): void {
    const base = baseOf(name);
    const hidden = base.slice(whiteoutPrefix.length);
    // Names that only the AUFS driver understood.
    if (base.startsWith(".wh..wh.") && base !== opaqueWhiteout) return;
    if (hidden === "" || hidden === "." || hidden === "..")
      throw hostile(name, "it would remove a whole directory");
    this.#directories.settle();
    if (this.#lower.isEmpty) return;
    const directory = this.#directories.find(parentOf(name));
    if (directory === undefined) return;
    if (base === opaqueWhiteout) this.#directories.hideBelow(this.#directories.enter(parentOf(name)));
    else this.#hide(joinName(this.#directories.enter(parentOf(name)), hidden));
  }

  /** A whiteout acts on lower layers only: what this layer already put there stays. */
  #hide(name: string): void {
    if (this.#lower.find(name) === undefined) return;
    const stats = lstatSync(pathOf(this.#options.root, name), { throwIfNoEntry: false });
    if (stats === undefined) makeWhiteout(this.#files, textPathOf(this.#options.root, name));
    else if (stats.isDirectory()) this.#directories.hideBelow(name);
  }

  /** Makes an entry at a real name; what stands there goes first. */
  #replacing<T>(name: string, make: (path: string | Buffer) => T): T {
    const path = pathOf(this.#options.root, name);
    try {
      return make(path);
    } catch (error) {
      if (errnoOf(error) !== "EEXIST" && systemErrorCode(error) !== "EEXIST") throw error;
    }
    this.#remove(name);
    return make(path);
  }

  #remove(name: string): void {
    const path = pathOf(this.#options.root, name);
    const stats = lstatSync(path);
    if (stats.isDirectory()) rmSync(path, { recursive: true });
    else unlinkSync(path);
    if (!stats.isDirectory() && !stats.isSymbolicLink()) return;
    this.#directories.forget(name);
    this.#attributes.forget();
  }
}

function checkOwner(entry: TarEntry): void {
  const isId = (id: number): boolean => id >= 0 && id < 0xffff_ffff;
  if (!isId(entry.uid) || !isId(entry.gid))
    throw invalid(entry.path, `its owner ${entry.uid}:${entry.gid} is out of range`);
}

function nameBytes(name: string): string | Buffer {
  return hasEscapes(name) ? encodeName(name) : name;
}
