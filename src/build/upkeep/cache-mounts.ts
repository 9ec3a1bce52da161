import { randomBytes } from "node:crypto";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { basename, join } from "node:path";
import { LighterError } from "#base";
import type { Host, Lock, Locks } from "#host";
import { layerChunks } from "#image";
import { Extraction } from "#snapshot";
import { type CacheMountRecord, currentOf, plainCacheBase, removeUnused } from "../exec/cache-mounts.ts";
import { measure } from "./sizes.ts";
import { putInPlace, writeRecord } from "./write-record.ts";

/** A directory that `RUN --mount=type=cache` filled. */
export interface StoredMount {
  /** As the Dockerfile names it, or the path where it is mounted. */
  readonly id: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly lastUsedMs: number;
}

interface Found {
  readonly base: string;
  readonly id: string;
  readonly record: CacheMountRecord;
  readonly path: string;
  readonly lastUsedMs: number;
}

/** The cache mounts of a store. One id may stand for several directories: of private mounts, or of several owners. */
export class CacheMounts {
  readonly #directory: string;
  readonly #locks: Locks;

  constructor(directory: string, locks: Locks) {
    this.#directory = directory;
    this.#locks = locks;
  }

  list(): readonly StoredMount[] {
    return this.#found().map(({ id, path, lastUsedMs }) => ({
      id,
      path,
      lastUsedMs,
      sizeBytes: measure(path),
    }));
  }

  #found(): readonly Found[] {
    return readdirSync(this.#directory)
      .sort()
      .flatMap((file) => {
        const name = /^([0-9a-f]{32}(?:\.\d+)?)\.json$/.exec(file)?.[1];
        if (name === undefined) return [];
        const base = join(this.#directory, name);
        const path = currentOf(base);
        const lastUsedMs = statSync(`${base}.json`, { throwIfNoEntry: false })?.mtimeMs;
        const record = readRecord(`${base}.json`);
        if (path === undefined || record === undefined || lastUsedMs === undefined) return [];
        return [{ base, id: shownId(record.id), record, path, lastUsedMs }];
      });
  }

  /** Removes what dead processes left half-made or half-removed, and what no step uses any more. */
  sweep(): void {
    for (const name of readdirSync(this.#directory)) {
      const base = /^([0-9a-f]{32}(?:\.\d+)?)\.[0-9a-f]{8}$/.exec(name)?.[1];
      if (base !== undefined) this.#sweepOne(join(this.#directory, base), join(this.#directory, name));
    }
  }

  #sweepOne(base: string, path: string): void {
    if (currentOf(base) === path) return;
    using turn = this.#locks.tryAcquire(`${base}.turn`, "exclusive");
    // Whoever has the turn may be making it; then it is looked at again with the next command.
    if (turn === undefined || currentOf(base) === path) return;
    removeUnused(path, this.#locks);
  }

  /** @throws CACHE_NOT_FOUND, CACHE_IN_USE */
  remove(id: string): void {
    if (!this.#found().some((found) => found.id === id)) throw notFound(id);
    if (!this.tryRemove(id)) throw inUse(id);
  }

  /** @returns whether all directories with the id went; those that a step uses stay */
  tryRemove(id: string): boolean {
    const mine = this.#found().filter((found) => found.id === id);
    return mine.map((found) => this.#removeOne(found)).every((isRemoved) => isRemoved);
  }

  #removeOne({ base, path }: Found): boolean {
    using lock = this.#locks.tryAcquire(`${base}.lock`, "exclusive");
    if (lock === undefined) return false;
    rmSync(`${base}.current`, { force: true });
    for (const each of [path, `${path}.used`, `${base}.json`]) rmSync(each, { recursive: true, force: true });
    return true;
  }

  /** The files of a cache mount as an archive. A step that fills it waits meanwhile. @throws CACHE_NOT_FOUND, CACHE_IN_USE */
  async *export(id: string, host: Pick<Host, "files">): AsyncGenerator<Uint8Array, void, undefined> {
    const found = this.#get(id);
    using _lock = this.#take(found.base, id);
    yield* layerChunks(found.path, host);
  }

  #get(id: string): Found {
    const found = this.#found().find((each) => each.id === id);
    if (found === undefined) throw notFound(id);
    return found;
  }

  #take(base: string, id: string): Lock {
    const lock = this.#locks.tryAcquire(`${base}.lock`, "exclusive");
    if (lock === undefined) throw inUse(id);
    return lock;
  }

  /**
   * Fills a cache mount from an archive that {@link CacheMounts.export} wrote, replacing what it holds; one that is not there
   * is made for the mounts that name only an id. Nothing changes when the archive is bad.
   * @throws CACHE_IN_USE, ARCHIVE_INVALID, ARCHIVE_HOSTILE
   */
  async import(id: string, archive: AsyncIterable<Uint8Array>, host: Pick<Host, "files">): Promise<void> {
    const known = this.#found().find((found) => found.id === id);
    const record = known?.record ?? { id: `/${id}`, uid: 0, gid: 0, mode: 0o755 };
    const base = known?.base ?? plainCacheBase(this.#directory, record);
    using _lock = this.#take(base, id);
    // A sweep of another process leaves what is being filled alone.
    using _turn = await this.#locks.acquire(`${base}.turn`, "exclusive");
    const path = `${base}.${randomBytes(4).toString("hex")}`;
    mkdirSync(path);
    try {
      using extraction = new Extraction({ host, root: path });
      for await (const chunk of archive) extraction.write(chunk);
      extraction.finish();
      chownSync(path, record.uid, record.gid);
      chmodSync(path, record.mode);
    } catch (error) {
      rmSync(path, { recursive: true, force: true });
      throw error;
    }
    symlinkSync(basename(path), `${path}.link`);
    putInPlace(`${path}.link`, `${base}.current`);
    writeRecord(`${base}.json`, JSON.stringify(record));
    if (known !== undefined && existsSync(known.path)) rmSync(known.path, { recursive: true, force: true });
  }
}

/** Ids stand behind the namespace of their build and a slash; most builds have none. */
function shownId(id: string): string {
  return id.startsWith("/") ? id.slice(1) : id;
}

function readRecord(path: string): CacheMountRecord | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as CacheMountRecord;
  } catch {
    return undefined;
  }
}

function notFound(id: string): LighterError {
  return new LighterError(
    "CACHE_NOT_FOUND",
    `cannot find cache mount "${id}": the store has none; see lighter builder cache ls`,
  );
}

function inUse(id: string): LighterError {
  return new LighterError("CACHE_IN_USE", `cannot change cache mount "${id}": a build uses it; wait for it`);
}
