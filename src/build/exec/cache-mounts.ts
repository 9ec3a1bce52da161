import { createHash } from "node:crypto";
import { chmodSync, chownSync, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Lock, Locks } from "#host";
import type { CacheMount } from "#plan";

export interface CacheMountOptions {
  /** `<root>/build/mounts`. */
  readonly directory: string;
  readonly locks: Locks;
  /** The step runs with no cache: it starts from an empty directory, which replaces the old one. */
  readonly isFresh: boolean;
  /** Fills a directory that was just made with the tree that the mount names. */
  readonly seed?: ((directory: string) => Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A directory that outlives builds, held while a step uses it. */
export interface HeldCache extends Disposable {
  readonly path: string;
}

/**
 * Takes the directory of a cache mount: `shared` at once with others, `locked` alone after waiting, `private` alone or
 * another one when it is taken.
 */
export async function holdCacheMount(mount: CacheMount, options: CacheMountOptions): Promise<HeldCache> {
  const base = join(
    options.directory,
    createHash("sha256").update(identity(mount)).digest("hex").slice(0, 32),
  );
  mkdirSync(options.directory, { recursive: true, mode: 0o700 });
  if (mount.sharing === "private") return await holdPrivate(base, mount, options);
  const mode = mount.sharing === "locked" ? "exclusive" : "shared";
  const lock = await options.locks.acquire(`${base}.lock`, mode, options.signal);
  return await hold(base, lock, { mount, options });
}

/** Two mounts of one id but with another start or owner are two caches. */
function identity(mount: CacheMount): string {
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

async function hold(
  path: string,
  lock: Lock,
  { mount, options }: { readonly mount: CacheMount; readonly options: CacheMountOptions },
): Promise<HeldCache> {
  try {
    // Whoever makes the directory does so alone, and under another name until it is whole.
    using _making = await options.locks.acquire(`${path}.make`, "exclusive", options.signal);
    if (options.isFresh) rmSync(path, { recursive: true, force: true });
    if (!existsSync(path)) await make(path, mount, options);
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
  return { path, [Symbol.dispose]: () => lock[Symbol.dispose]() };
}

async function make(path: string, mount: CacheMount, options: CacheMountOptions): Promise<void> {
  const half = `${path}.new`;
  rmSync(half, { recursive: true, force: true });
  mkdirSync(half);
  await options.seed?.(half);
  chownSync(half, mount.uid ?? 0, mount.gid ?? 0);
  chmodSync(half, mount.mode ?? 0o755);
  renameSync(half, path);
}
