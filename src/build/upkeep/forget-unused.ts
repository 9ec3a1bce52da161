import { existsSync, lstatSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Locks } from "#host";
import type { ImageStore } from "#image";
import { encoded } from "#oci";
import type { Snapshotter } from "#snapshot";
import type { BuildPaths } from "../builder/paths.ts";
import type { CacheStore } from "../solve/cache-store.ts";
import { readLayerOrigin } from "../times/layer-origins.ts";
import { recordedSets } from "../times/time-origin.ts";

/** What a build learns about contexts, steps and web files is forgotten when no build has asked for it for so many days. */
export const forgottenAfterDays = 14;

const dayMs = 86_400_000;

interface Memory {
  readonly root: string;
  readonly paths: BuildPaths;
  readonly cache: CacheStore;
  readonly snapshots: Pick<Snapshotter, "list">;
  readonly images: Pick<ImageStore, "list">;
  readonly locks: Locks;
}

/**
 * Drops what the store remembers beside results: what has not been used for {@link forgottenAfterDays} days, with `all`
 * everything that can be found out again, and in any case what belongs to results that are gone. Where times of layers come
 * from is kept as long as an image or a result needs it: without it, what is built on them would carry other times.
 */
export function forgetUnused(memory: Memory, { all }: { readonly all: boolean }): void {
  const { paths } = memory;
  const before = Date.now() - (all ? 0 : forgottenAfterDays * dayMs);
  for (const directory of [paths.indexes, paths.remote]) dropOlder(directory, before);
  dropSteps(paths.steps, before);
  dropCopies(memory, before);
  dropSizes(memory);
  // A build that is under way has not yet written the record that names what it keeps.
  const settled = Math.min(before, Date.now() - dayMs);
  dropOrigins(memory, settled);
  dropTimes(memory, settled);
  dropLocks(memory, settled);
  dropHalfWritten(memory, settled);
}

function dropOlder(directory: string, before: number, isKept: (name: string) => boolean = () => false): void {
  for (const name of readdirSync(directory))
    if (!isKept(name) && lastUse(join(directory, name)) <= before) drop(join(directory, name));
}

/** A Dockerfile's steps are a file, and a directory of indexes that goes with it. */
function dropSteps(directory: string, before: number): void {
  for (const name of readdirSync(directory)) {
    const file = join(directory, name.includes(".") ? name : `${name}.json`);
    if (lastUse(file) <= before && lastUse(join(directory, name)) <= before) drop(join(directory, name));
  }
}

/** The first line of `<hash>` is the snapshot that a copy gave last, `<snapshot>.index` has the sums of its files. */
function dropCopies({ paths, snapshots }: Memory, before: number): void {
  const standing = new Set<string>(snapshots.list());
  const wanted = new Set<string>();
  for (const name of readdirSync(paths.copies)) {
    const path = join(paths.copies, name);
    if (name.includes(".")) continue;
    const [snapshot = ""] = read(path).split("\n", 1);
    if (lastUse(path) <= before || !standing.has(snapshot)) drop(path);
    else wanted.add(`${snapshot}.index`);
  }
  for (const name of readdirSync(paths.copies))
    if (name.endsWith(".index") && !wanted.has(name)) drop(join(paths.copies, name));
}

function dropSizes({ root, paths }: Memory): void {
  for (const id of readdirSync(paths.sizes))
    if (!existsSync(join(root, "snapshots", id))) drop(join(paths.sizes, id));
}

function dropOrigins({ paths, images }: Memory, before: number): void {
  const used = new Set(
    images.list().flatMap(({ config }) => config.rootfs.diff_ids.map((diffId) => encoded(diffId))),
  );
  dropOlder(paths.origins, before, (name) => used.has(name));
}

function dropTimes({ paths, cache }: Memory, before: number): void {
  const used = new Set<string>();
  for (const { record } of cache.entries()) for (const name of recordedSets(record.origin)) used.add(name);
  for (const name of readdirSync(paths.origins))
    for (const set of setsOf(join(paths.origins, name))) used.add(set);
  dropOlder(paths.times, before, (name) => used.has(name));
}

function setsOf(path: string): readonly string[] {
  const known = readLayerOrigin(path);
  return known === undefined ? [] : recordedSets(known.origin);
}

/** A step's lock goes with its step, unless the process died. */
function dropLocks({ paths, locks }: Memory, before: number): void {
  for (const name of readdirSync(paths.locks)) {
    const path = join(paths.locks, name);
    if (lastUse(path) > before) continue;
    using lock = locks.tryAcquire(path, "exclusive");
    if (lock !== undefined) drop(path);
  }
}

/** `<file>.<pid>` of a process that died before it renamed it. */
function dropHalfWritten({ paths }: Memory, before: number): void {
  const shards = readdirSync(paths.cache).map((name) => join(paths.cache, name));
  for (const directory of [...shards, paths.copies, paths.indexes, paths.origins, paths.remote, paths.times])
    dropOlder(directory, before, (name) => !/\.\d+$/.test(name));
}

function lastUse(path: string): number {
  return lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function drop(path: string): void {
  rmSync(path, { recursive: true, force: true });
}
