import { createHash, randomBytes } from "node:crypto";
import { chmodSync, chownSync, mkdirSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { type Cleanup, LighterError, systemErrorCode } from "#base";
import type { Lock, Locks } from "#host";
import type { CacheMount } from "#plan";
import { putInPlace, writeRecord } from "../upkeep/write-record.ts";

export interface CacheMountOptions {
  /** `<root>/build/mounts`. */
  readonly directory: string;
  readonly locks: Locks;
  /** The step runs with no cache: it starts from an empty directory, which replaces the old one. */
  readonly isFresh: boolean;
  /** Fills a directory that was just made with the tree that the mount names. */
  readonly seed: (mount: CacheMount, directory: string) => Promise<void>;
  readonly signal?: AbortSignal | undefined;
}

/** A directory that outlives builds, held while a step uses it. */
export interface HeldCache extends Disposable {
  readonly path: string;
}

/**
 * Takes the directories of a step's cache mounts: `shared` at once with others, `locked` alone after waiting, `private` alone
 * or another one when it is taken. Mounts of one cache get one directory, which is locked when one of them says so. All steps
 * wait for caches in the same order: none holds what another waits for while it waits itself.
 */
export async function holdCacheMounts(
  mounts: readonly CacheMount[],
  options: CacheMountOptions & { readonly scope: Cleanup },
): Promise<ReadonlyMap<CacheMount, HeldCache>> {
  const byBase = new Map<string, CacheMount[]>();
  for (const mount of mounts) {
    const base = baseOf(mount, options.directory);
    byBase.set(base, [...(byBase.get(base) ?? []), mount]);
  }
  const held = new Map<CacheMount, HeldCache>();
  for (const [base, same] of [...byBase].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const mount = same.find(({ sharing }) => sharing === "locked") ?? same[0];
    if (mount === undefined) continue;
    const cache = options.scope.use(await holdCacheMount(base, mount, options));
    for (const each of same) held.set(each, cache);
  }
  return held;
}

async function holdCacheMount(
  base: string,
  mount: CacheMount,
  options: CacheMountOptions,
): Promise<HeldCache> {
  mkdirSync(options.directory, { recursive: true, mode: 0o700 });
  if (mount.sharing === "private") return await holdPrivate(base, mount, options);
  const mode = mount.sharing === "locked" ? "exclusive" : "shared";
  const lock = await options.locks.acquire(`${base}.lock`, mode, options.signal);
  return await hold(base, lock, { mount, options });
}

function baseOf(mount: Parameters<typeof identity>[0], directory: string): string {
  return join(directory, createHash("sha256").update(identity(mount)).digest("hex").slice(0, 32));
}

/** Two mounts of one id but with another start or owner are two caches. */
function identity(mount: Pick<CacheMount, "id" | "uid" | "gid" | "mode" | "input" | "source">): string {
  const { id, uid, gid, mode } = mount;
  return JSON.stringify([
    id,
    uid ?? 0,
    gid ?? 0,
    mode ?? 0o755,
    mount.input === undefined ? "" : mount.source,
  ]);
}

async function holdPrivate(base: string, mount: CacheMount, options: CacheMountOptions): Promise<HeldCache> {
  for (let number = 0; ; number += 1) {
    const path = number === 0 ? base : `${base}.${number}`;
    const lock = options.locks.tryAcquire(`${path}.lock`, "exclusive");
    if (lock !== undefined) return await hold(path, lock, { mount, options });
  }
}

/** Takes the directory that the cache has now, or makes one. Whoever looks or makes does so alone. */
async function hold(
  base: string,
  lock: Lock,
  { mount, options }: { readonly mount: CacheMount; readonly options: CacheMountOptions },
): Promise<HeldCache> {
  try {
    using _turn = await options.locks.acquire(`${base}.turn`, "exclusive", options.signal);
    const known = options.isFresh ? undefined : currentOf(base);
    const path = known ?? (await make(base, mount, options));
    writeRecord(`${base}.json`, JSON.stringify(describe(mount)));
    const use = options.locks.tryAcquire(`${path}.used`, "shared");
    if (use === undefined)
      throw new LighterError("INTERNAL", `cannot use cache "${mount.id}": it is being removed`);
    return {
      path,
      [Symbol.dispose]() {
        use[Symbol.dispose]();
        lock[Symbol.dispose]();
      },
    };
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
}

/** Beside the directory, for people: which cache it is. The time of the file is that of the last use. */
export interface CacheMountRecord {
  readonly id: string;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

function describe({ id, uid = 0, gid = 0, mode = 0o755 }: CacheMount): CacheMountRecord {
  return { id, uid, gid, mode };
}

/** Where the cache of a mount that names nothing but its id lies: what is imported has to be found there. */
export function plainCacheBase(directory: string, record: CacheMountRecord): string {
  return baseOf({ ...record, source: "/" }, directory);
}

/** `<base>.current` is a link to the directory in use. */
export function currentOf(base: string): string | undefined {
  try {
    return join(dirname(base), readlinkSync(`${base}.current`));
  } catch (error) {
    // No link: damage, and what takes its place goes as any record does.
    if (systemErrorCode(error) === "ENOENT" || systemErrorCode(error) === "EINVAL") return undefined;
    throw error;
  }
}

async function make(base: string, mount: CacheMount, options: CacheMountOptions): Promise<string> {
  const old = currentOf(base);
  const path = `${base}.${randomBytes(4).toString("hex")}`;
  mkdirSync(path);
  if (mount.input !== undefined) await options.seed(mount, path);
  chownSync(path, mount.uid ?? 0, mount.gid ?? 0);
  chmodSync(path, mount.mode ?? 0o755);
  symlinkSync(basename(path), `${path}.link`);
  putInPlace(`${path}.link`, `${base}.current`);
  if (old !== undefined) removeUnused(old, options.locks);
  return path;
}

/** A directory that a step still uses stays until a sweep finds it unused. */
export function removeUnused(path: string, locks: Locks): void {
  using lock = locks.tryAcquire(`${path}.used`, "exclusive");
  if (lock === undefined) return;
  for (const each of [path, `${path}.link`, `${path}.used`]) rmSync(each, { recursive: true, force: true });
}
