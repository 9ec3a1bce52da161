import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync } from "node:fs";
import { dirname, join } from "node:path";
import { diskError } from "#base";
import type { SnapshotName } from "#snapshot";
import { parseOrigin, type TimeOrigin } from "../times/time-origin.ts";
import { writeRecord } from "../upkeep/write-record.ts";

/** What a step gave when it ran. */
export interface CacheRecord {
  /** Identity of the result: part of the keys of the steps that use it. */
  readonly id: string;
  /** The tree after the step; absent: an empty one. */
  readonly snapshot?: SnapshotName;
  readonly origin: TimeOrigin;
  /** The step as people read it, for `builder du`. */
  readonly name: string;
  /** Another key that leads to it: the step has one by its definition and one by content. */
  readonly otherKey?: string;
}

/** A record of another store: its tree is not here yet. */
export interface PendingRecord extends Omit<CacheRecord, "snapshot"> {
  /** Puts the tree into the store, and records for it under all its keys. */
  fetch(): Promise<SnapshotName | undefined>;
}

/**
 * Cache records by key, one small file each: `build/cache/ab/abcd….json`. Written by rename and without a flush: what a
 * crash of the machine cuts is a miss. The time of a file is its last use.
 */
export class CacheStore {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  /** The record, which from now on counts as used. */
  find(key: string): CacheRecord | undefined {
    const path = this.#path(key);
    const record = parse(read(path));
    if (record !== undefined) touch(path);
    return record;
  }

  put(key: string, record: CacheRecord): void {
    const path = this.#path(key);
    try {
      mkdirSync(dirname(path), { recursive: true });
      writeRecord(path, JSON.stringify(record));
    } catch (error) {
      throw diskError(error, { verb: "write the cache record", object: path });
    }
  }

  remove(key: string): void {
    rmSync(this.#path(key), { recursive: true, force: true });
  }

  get isEmpty(): boolean {
    return this.entries().next().done === true;
  }

  /** Every record with its key and the time of its last use. */
  *entries(): Generator<{ readonly key: string; readonly record: CacheRecord; readonly lastUsedMs: number }> {
    for (const directory of list(this.#root))
      for (const file of list(join(this.#root, directory))) {
        const path = join(this.#root, directory, file);
        const record = parse(read(path));
        const lastUsedMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
        if (record !== undefined && lastUsedMs !== undefined && file.endsWith(".json"))
          yield { key: file.slice(0, -".json".length), record, lastUsedMs };
      }
  }

  /** Every snapshot that a record leads to: what collecting garbage has to keep. */
  *snapshots(): Generator<SnapshotName> {
    for (const directory of list(this.#root))
      for (const file of list(join(this.#root, directory))) {
        const record = parse(read(join(this.#root, directory, file)));
        if (record?.snapshot !== undefined) yield record.snapshot;
      }
  }

  #path(key: string): string {
    return join(this.#root, key.slice(0, 2), `${key}.json`);
  }
}

function list(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // nothing was ever built
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function touch(path: string): void {
  try {
    const now = Date.now() / 1000;
    utimesSync(path, now, now);
  } catch {
    // another process pruned it: the caller has what it said
  }
}

function parse(text: string | undefined): CacheRecord | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is CacheRecord {
  if (typeof value !== "object" || value === null) return false;
  return (
    "id" in value &&
    typeof value.id === "string" &&
    "origin" in value &&
    parseOrigin(value.origin) !== undefined
  );
}
