import { LighterError } from "#base";
import type { Builder, CacheEntry, PruneOptions, StoredMount } from "#build";
import type { Host } from "#host";
import type { Collected } from "#image";
import type { Configuration } from "./configuration.ts";

interface BuildCacheParts {
  readonly open: () => Promise<Builder>;
  readonly collect: () => Promise<Collected | undefined>;
  readonly host: Pick<Host, "files">;
}

/** What {@link EngineBuildCache.prune} did. */
export interface Pruned {
  readonly removed: readonly CacheEntry[];
  /** Bytes of layers that were given back; undefined when another lighter uses the store: the next collection does it. */
  readonly freedBytes: number | undefined;
}

/** Results of steps and cache mounts that builds left for later builds. */
export class EngineBuildCache {
  readonly #parts: BuildCacheParts;

  constructor(parts: BuildCacheParts) {
    this.#parts = parts;
  }

  /** Everything in it, what was used last first. */
  async list(): Promise<readonly CacheEntry[]> {
    return (await this.#parts.open()).cache.list();
  }

  /** Removes what the options say, and gives the space back. */
  async prune(options: PruneOptions = {}): Promise<Pruned> {
    const removed = (await this.#parts.open()).cache.prune(options);
    const collected = await this.#parts.collect();
    const sizeBytes = removed.reduce((sum, entry) => sum + (entry.isShared ? 0 : entry.sizeBytes), 0);
    return { removed, freedBytes: collected === undefined ? undefined : sizeBytes };
  }

  /** The cache mounts of RUN steps. */
  async listMounts(): Promise<readonly StoredMount[]> {
    return (await this.#parts.open()).cache.mounts.list();
  }

  /** @throws CACHE_NOT_FOUND, CACHE_IN_USE */
  async removeMount(id: string): Promise<void> {
    (await this.#parts.open()).cache.mounts.remove(id);
  }

  /** The files of a cache mount as a tar archive. @throws CACHE_NOT_FOUND, CACHE_IN_USE */
  async *exportMount(id: string): AsyncIterable<Uint8Array> {
    yield* (await this.#parts.open()).cache.mounts.export(id, this.#parts.host);
  }

  /** Fills a cache mount, which is made when it is not there. @throws CACHE_IN_USE, ARCHIVE_INVALID, ARCHIVE_HOSTILE */
  async importMount(id: string, archive: AsyncIterable<Uint8Array>): Promise<void> {
    await (await this.#parts.open()).cache.mounts.import(id, archive, this.#parts.host);
  }
}

/** The cap of the build cache, when there is one. @throws ARGUMENT_INVALID */
export async function cacheLimit({ buildCacheLimit }: Configuration): Promise<number | undefined> {
  return await readLimit("LIGHTER_BUILD_CACHE_LIMIT", buildCacheLimit);
}

/** The cap of the kept packages, when there is one. @throws ARGUMENT_INVALID */
export async function packageLimit({ packageCacheLimit }: Configuration): Promise<number | undefined> {
  return await readLimit("LIGHTER_PACKAGE_CACHE_LIMIT", packageCacheLimit);
}

async function readLimit(name: string, text: string | undefined): Promise<number | undefined> {
  if (text === undefined) return undefined;
  const { parseSize } = await import("#dockerfile");
  const limitBytes = parseSize(text);
  if (limitBytes !== undefined) return limitBytes;
  throw new LighterError(
    "ARGUMENT_INVALID",
    `cannot use ${name} "${text}": want a size such as 512MB or 10GB`,
  );
}
