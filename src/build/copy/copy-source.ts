import {
  chmodSync,
  closeSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  openSync,
  readlinkSync,
  symlinkSync,
} from "node:fs";
import { LighterError } from "#base";
import type { Files } from "#host";
import { listKeptXattrs } from "../key/entry-sum.ts";
import { baseName, type Entry, joinPath, parentPath } from "../tree/tree.ts";
import type { FilePool } from "../work/file-pool.ts";
import type { CopyJob } from "../work/file-work.ts";
import type { CopyLink, Deferral } from "./deferral.ts";
import type { EarlierCopies } from "./earlier-copies.ts";
import { copyFiles } from "./file-jobs.ts";
import type { Ids } from "./owner.ts";
import type { SelectedSource } from "./selection.ts";
import type { ModeChange } from "./symbolic-mode.ts";
import { setOwner, setTime, type UpperWriter } from "./upper-writer.ts";

/** Copying fewer files costs no more than looking for earlier copies of them. */
const worthLinking = 1000;
const holesBytes = 1 << 20;

export interface CopyOptions {
  /** As the instruction has it: absolute, a trailing slash or `/.` says that it is a directory. */
  readonly destination: string;
  readonly contentsOnly: boolean;
  readonly replaceExisting: boolean;
  readonly owner: Ids | undefined;
  readonly mode: ModeChange | undefined;
  /** Permission bits of directories that are made on the way. */
  readonly directoryMode: number;
  /** Times of the copies in seconds. @defaultValue those of the sources */
  readonly timeOf?: (entry: Entry) => number;
  readonly files: Files;
  /** Threads for many files. */
  readonly pool?: FilePool | undefined;
  /** What the same copy gave before. */
  readonly earlier?: EarlierCopies | undefined;
  /** Takes the files of a copy whose tree nobody needs now. */
  readonly deferral?: Deferral | undefined;
  /** Whether a file of the source is known to have no attributes that a copy keeps. */
  readonly isBare?: ((path: string) => boolean) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Copies one selected source as `cp -a` would, with BuildKit's rules for the destination.
 * @returns sources that changed while they were being copied
 * @throws COPY_INVALID where a file would have to become a directory or the other way round
 * @see https://github.com/tonistiigi/fsutil/blob/v0.0.0-20251211185533-a2aa163d723f/copy/copy.go
 */
export async function copySource(
  writer: UpperWriter,
  source: SelectedSource,
  options: CopyOptions,
): Promise<readonly string[]> {
  const target = prepareTarget(writer, source, options);
  const isLinked = source.items.length >= worthLinking && options.deferral === undefined;
  const earlierOf = isLinked ? options.earlier?.open(target) : undefined;
  const copier = new Copier(writer, { ...options, earlierOf });
  copier.copyRoot(source, target);
  return copier.finish(target);
}

/** Makes the directories that lead to the copy and says where it goes. */
function prepareTarget(writer: UpperWriter, source: SelectedSource, options: CopyOptions): string {
  const { destination } = options;
  const directory = { mode: options.directoryMode, owner: options.owner };
  const last = baseName(destination);
  const ensured = last === "" || last === "." ? destination : parentPath(destination);
  writer.makeDirectories(writer.resolve(ensured), directory);
  let target = writer.resolve(destination);
  const existing = writer.tree.find(target);
  const isDirectory = source.entry.kind === "directory";
  const goesInside = isDirectory
    ? !options.contentsOnly && existing !== undefined
    : existing?.kind === "directory";
  if (goesInside) target = joinPath(target, source.name);
  const isNew = options.contentsOnly && isDirectory && existing === undefined;
  writer.makeDirectories(isNew ? target : parentPath(target), directory);
  return target;
}

interface CopierOptions extends CopyOptions {
  /** Where a file with the same bytes lies in another snapshot, by its path in the source tree and at the target. */
  readonly earlierOf: ((source: string, target: string) => string | undefined) | undefined;
}

/** From where in the source to where in the tree. */
interface Route {
  readonly path: string;
  readonly target: string;
}

class Copier {
  readonly #writer: UpperWriter;
  readonly #options: CopierOptions;
  readonly #jobs: CopyJob[] = [];
  readonly #links: CopyLink[] = [];
  /** Files with attributes or holes, which no layer gives back as they are: they are copied in any case. */
  readonly #dressed: CopyJob[] = [];
  /** What has to wait until the files are there: links to them, attributes, times of directories. */
  readonly #afterFiles: (() => void)[] = [];
  readonly #inodes = new Map<string, string>();
  /** Directories that this copy made: nothing can be in the way in them. */
  readonly #fresh = new Set<string>();

  constructor(writer: UpperWriter, options: CopierOptions) {
    this.#writer = writer;
    this.#options = options;
  }

  async finish(target: string): Promise<readonly string[]> {
    const dressed = new Set(this.#dressed.map(({ path }) => path));
    const isOnDisk = ({ first }: CopyLink): boolean => dressed.has(first);
    const deferrable = this.#links.filter((link) => !isOnDisk(link));
    const isDeferred = this.#options.deferral?.take(this.#jobs, deferrable, target) === true;
    const jobs = isDeferred ? this.#dressed : [...this.#jobs, ...this.#dressed];
    const changed = await copyFiles(jobs, { ...this.#options, root: this.#writer.location("") });
    for (const { first, path } of isDeferred ? this.#links.filter(isOnDisk) : this.#links)
      linkSync(this.#writer.location(first), this.#writer.location(path));
    for (const step of this.#afterFiles.reverse()) step();
    return changed;
  }

  copyRoot(source: SelectedSource, target: string): void {
    if (source.entry.kind !== "directory")
      return this.#copyEntry(source.entry, { path: source.path, target });
    this.#copyTop(source.entry, target);
    for (const { path, entry } of source.items) {
      const to = joinPath(target, path);
      if (entry.kind === "directory") this.#copyDirectory(entry, to);
      else this.#copyEntry(entry, { path: joinPath(source.path, path), target: to });
    }
  }

  /** The directory that a source names: one that exists keeps its metadata but for the time. */
  #copyTop(entry: Entry, target: string): void {
    const existing = this.#existing(target, entry);
    if (existing === undefined) return this.#makeDirectory(entry, target);
    requireDirectory(existing, target);
    this.#writer.copyUp(target);
    this.#later(() => setTime(this.#writer.location(target), this.#timeOf(entry)));
  }

  /** A directory below the source gives its metadata to the one that exists. */
  #copyDirectory(entry: Entry, target: string): void {
    const existing = this.#existing(target, entry);
    if (existing === undefined) return this.#makeDirectory(entry, target);
    requireDirectory(existing, target);
    this.#writer.copyUp(target);
    this.#applyDirectory(entry, target);
  }

  #makeDirectory(entry: Entry, target: string): void {
    this.#writer.makeDirectory(target, { mode: this.#modeOf(entry), owner: this.#ownerOf(entry) });
    // A directory that lower layers have cannot be here, for then it would have been found.
    this.#fresh.add(target);
    this.#applyDirectory(entry, target);
  }

  #applyDirectory(entry: Entry, target: string): void {
    const location = this.#writer.location(target);
    this.#later(() => {
      setOwner(location, this.#ownerOf(entry));
      chmodSync(location, this.#modeOf(entry));
      this.#writer.copyXattrs(entry, location);
      setTime(location, this.#timeOf(entry));
    });
  }

  #copyEntry(entry: Entry, { path, target }: Route): void {
    this.#clearFor(entry, target);
    const location = this.#writer.location(target);
    if (entry.kind === "symlink") return this.#copySymlink(entry, location);
    if (entry.kind === "file") return this.#copyFile(entry, { path, target });
    if (entry.kind === "socket") return this.#makeEmptyFile(entry, location);
    this.#copyNode(entry, location);
  }

  #clearFor(entry: Entry, target: string): void {
    const existing = this.#existing(target, entry);
    if (existing?.kind === "directory")
      throw new LighterError(
        "COPY_INVALID",
        `cannot replace directory "/${target}" with a file; name a destination below it`,
      );
    if (existing === undefined) this.#writer.copyUp(parentPath(target));
    else this.#writer.clear(target);
  }

  /** What stands at `target` and stays; with `--link`, what is of another kind is taken away. */
  #existing(target: string, entry: Entry): Entry | undefined {
    if (this.#fresh.has(parentPath(target))) return undefined;
    const existing = this.#writer.tree.find(target);
    const merges = existing?.kind === "directory" && entry.kind === "directory";
    if (existing === undefined || merges || !this.#options.replaceExisting) return existing;
    this.#writer.clear(target);
    return undefined;
  }

  #copySymlink(entry: Entry, location: string): void {
    symlinkSync(readlinkSync(entry.location), location);
    const { uid, gid } = this.#ownerOf(entry);
    lchownSync(location, uid, gid);
    const time = this.#timeOf(entry);
    lutimesSync(location, time, time);
  }

  #copyFile(entry: Entry, { path, target }: Route): void {
    if (entry.nlink > 1) {
      const inode = `${entry.dev}:${entry.ino}`;
      const first = this.#inodes.get(inode);
      if (first !== undefined) return void this.#links.push({ first, path: target });
      this.#inodes.set(inode, target);
    }
    const { uid, gid } = this.#ownerOf(entry);
    const isBare = this.#options.isBare?.(path) === true || !listsXattrs(entry, this.#options.files);
    (isBare && !hasHoles(entry) ? this.#jobs : this.#dressed).push({
      source: entry.location,
      path: target,
      mode: this.#modeOf(entry),
      uid,
      gid,
      sizeBytes: entry.sizeBytes,
      seconds: this.#timeOf(entry),
      ctimeMs: entry.ctimeMs,
      // A link shares its attributes and its other names with the file that it leads to.
      earlier: isBare && entry.nlink === 1 ? this.#options.earlierOf?.(path, target) : undefined,
    });
    if (!isBare)
      this.#later(() => {
        const location = this.#writer.location(target);
        this.#writer.copyXattrs(entry, location);
        setTime(location, this.#timeOf(entry));
      });
  }

  /** A socket cannot be sent to a builder; BuildKit ends with an empty file, and so does this. */
  #makeEmptyFile(entry: Entry, location: string): void {
    closeSync(openSync(location, "wx"));
    setOwner(location, this.#ownerOf(entry));
    chmodSync(location, this.#modeOf(entry));
    setTime(location, this.#timeOf(entry));
  }

  #copyNode(entry: Entry, location: string): void {
    const type = { characterDevice: 0o020000, blockDevice: 0o060000, fifo: 0o010000 }[entry.kind as "fifo"];
    const { rdev } = entry;
    this.#options.files.makeNode(location, type | this.#modeOf(entry), {
      major: entry.kind === "fifo" ? 0 : (rdev >> 8) & 0xfff,
      minor: entry.kind === "fifo" ? 0 : (rdev & 0xff) | ((rdev >> 12) & 0xfff00),
    });
    setOwner(location, this.#ownerOf(entry));
    chmodSync(location, this.#modeOf(entry));
    setTime(location, this.#timeOf(entry));
  }

  /** Runs after the files are written; what was added last runs first, so that directories end after what is in them. */
  #later(step: () => void): void {
    this.#afterFiles.push(step);
  }

  #modeOf(entry: Entry): number {
    return this.#options.mode?.(entry.mode, entry.kind === "directory") ?? entry.mode;
  }

  #timeOf(entry: Entry): number {
    return this.#options.timeOf?.(entry) ?? entry.mtimeMs / 1000;
  }

  #ownerOf(entry: Entry): Ids {
    const { uid, gid } = this.#options.owner ?? entry;
    return { uid, gid };
  }
}

function listsXattrs(entry: Entry, files: Files): boolean {
  return listKeptXattrs(entry.location, files).length > 0;
}

/** Whether a file has to be copied to keep its holes. Small ones are not worth the look. */
export function hasHoles({ location, sizeBytes }: Entry): boolean {
  return sizeBytes >= holesBytes && lstatSync(location).blocks * 512 < sizeBytes;
}

function requireDirectory(entry: Entry, target: string): void {
  if (entry.kind !== "directory")
    throw new LighterError("COPY_INVALID", `cannot copy to non-directory: /${target}`);
}
