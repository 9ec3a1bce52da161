import {
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { LighterError, systemErrorCode } from "#base";
import { hasDeferred } from "./deferred-files.ts";
import type { SnapshotName } from "./snapshotter.ts";

/**
 * `snapshots/<id>` is a snapshot that was committed, `snapshots/active/<id>` one that is being written, and
 * `snapshots/names/<name>` a link to the former. A snapshot exists when a name leads to it.
 */
export interface Paths {
  readonly snapshots: string;
  readonly active: string;
  readonly names: string;
}

/** What a snapshot stands on, in `<id>/record.json`. */
export interface SnapshotRecord {
  readonly parent: SnapshotName | undefined;
  /** Ids from this snapshot down to the lowest. */
  readonly chain: readonly string[];
  /** The tree lacks files, and a note beside it says which: without the note the snapshot is lost. */
  readonly isDeferred?: boolean;
}

export function snapshotPaths(root: string): Paths {
  const snapshots = join(root, "snapshots");
  return { snapshots, active: join(snapshots, "active"), names: join(snapshots, "names") };
}

export function namePath(paths: Paths, name: string): string {
  const file = encodeURIComponent(name);
  if (file === "" || file === "." || file === ".." || file.length > 255)
    throw new LighterError(
      "ARGUMENT_INVALID",
      `cannot use snapshot name "${name}": want 1 to 255 characters`,
    );
  return join(paths.names, file);
}

/** The id that a name leads to, or undefined. */
export function linkOf(paths: Paths, name: string): string | undefined {
  return readLink(namePath(paths, name));
}

/** Every name with its id; links may dangle. */
export function listNames(paths: Paths): readonly { readonly name: string; readonly id: string }[] {
  return readdirSync(paths.names)
    .sort()
    .flatMap((file) => {
      const id = readLink(join(paths.names, file));
      return id === undefined ? [] : [{ name: decodeURIComponent(file), id }];
    });
}

/** Codes of what is absent, or is of another kind than what this room puts there: a disk that was repaired has both. */
const absence: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR", "EISDIR", "EINVAL", "ELOOP"]);

function isAbsence(error: unknown): boolean {
  return absence.has(systemErrorCode(error) ?? "");
}

function readLink(path: string): string | undefined {
  try {
    return basename(readlinkSync(path));
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

/** Tells which snapshots are whole. What it read of records stands while their files are as they were. */
export class Chains {
  readonly #snapshots: string;
  readonly #known = new Map<string, { readonly state: string; readonly record: SnapshotRecord }>();

  constructor({ snapshots }: Paths) {
    this.#snapshots = snapshots;
  }

  /** The ids that a snapshot stands on, its own first, when the record and the tree of each are there; undefined: it is lost. */
  find(id: string): readonly string[] | undefined {
    const chain = this.#read(id)?.chain;
    return chain?.every((link) => this.#isWhole(link)) ? chain : undefined;
  }

  #isWhole(id: string): boolean {
    const record = this.#read(id);
    const directory = join(this.#snapshots, id);
    if (record === undefined || findStats(join(directory, "fs"))?.isDirectory() !== true) return false;
    // Another process may have completed it meanwhile: the record says so before the note goes.
    return record.isDeferred !== true || hasDeferred(directory) || this.#read(id)?.isDeferred === false;
  }

  #read(id: string): SnapshotRecord | undefined {
    const directory = join(this.#snapshots, id);
    const stats = findStats(join(directory, recordFile));
    if (stats === undefined) return undefined;
    const state = `${stats.ino} ${stats.mtimeMs} ${stats.size}`;
    const known = this.#known.get(id);
    if (known?.state === state) return known.record;
    const record = readRecord(directory);
    if (record?.chain[0] !== id) return undefined;
    this.#known.set(id, { state, record });
    return record;
  }
}

function findStats(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

const recordFile = "record.json";

/** Directories of snapshots in `parent`, by id. */
export function listDirectories(parent: string): readonly string[] {
  return readdirSync(parent).filter(isId);
}

function isId(value: unknown): boolean {
  return typeof value === "string" && /^[0-9a-f]{12}$/.test(value);
}

export function writeRecord(directory: string, record: SnapshotRecord): void {
  const half = join(directory, `${recordFile}.new`);
  writeFileSync(half, JSON.stringify(record));
  renameSync(half, join(directory, recordFile));
}

export function forgetRecord(directory: string): void {
  rmSync(join(directory, recordFile), { force: true });
}

/** @returns undefined when there is none, or none that can be read: a crash of the machine may leave it cut */
export function readRecord(directory: string): SnapshotRecord | undefined {
  try {
    const record: unknown = JSON.parse(readFileSync(join(directory, recordFile), "utf8"));
    return isRecord(record) ? record : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || isAbsence(error)) return undefined;
    throw error;
  }
}

function isRecord(value: unknown): value is SnapshotRecord {
  return (
    typeof value === "object" &&
    value !== null &&
    "chain" in value &&
    Array.isArray(value.chain) &&
    value.chain.every((id) => isId(id))
  );
}
