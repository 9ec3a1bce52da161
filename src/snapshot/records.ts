import { readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { LighterError, systemErrorCode } from "#base";
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

function readLink(path: string): string | undefined {
  try {
    return basename(readlinkSync(path));
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

export function isCommitted(paths: Paths, id: string): boolean {
  return statSync(join(paths.snapshots, id, "record.json"), { throwIfNoEntry: false }) !== undefined;
}

/** Directories of snapshots in `parent`, by id. */
export function listDirectories(parent: string): readonly string[] {
  return readdirSync(parent).filter((name) => /^[0-9a-f]{12}$/.test(name));
}

export function writeRecord(directory: string, record: SnapshotRecord): void {
  writeFileSync(join(directory, "record.json"), JSON.stringify(record));
}

/** @returns undefined when there is none, or a crash of the machine left it cut */
export function readRecord(directory: string): SnapshotRecord | undefined {
  try {
    const record: unknown = JSON.parse(readFileSync(join(directory, "record.json"), "utf8"));
    return isRecord(record) ? record : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

function isRecord(value: unknown): value is SnapshotRecord {
  return typeof value === "object" && value !== null && "chain" in value && Array.isArray(value.chain);
}
