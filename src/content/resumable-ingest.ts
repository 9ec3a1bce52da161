import {
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  type Stats,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { diskError, isLighterError, LighterError } from "#base";
import type { Host, Lock } from "#host";
import { type Descriptor, type Digest, Digester, encoded } from "#oci";
import { blobPath, type ContentPaths } from "./blob-path.ts";
import type { ResumableIngest } from "./content-store.ts";
import { EarlyFlush } from "./early-flush.ts";
import { checkExpected } from "./ingest.ts";

const prefix = "sha256-";
const readBytes = 1 << 20;
/** What nobody took up again for so long is nobody's any more. */
const keptMs = 24 * 60 * 60 * 1000;

/** Whether a file of the ingest directory may be gone on with. */
export function isPartial(name: string): boolean {
  return name.startsWith(prefix);
}

export function keepsPartial(stats: Stats): boolean {
  return Date.now() - stats.mtimeMs < keptMs;
}

/** See `ContentStore.resume`. The file's name is the digest, and the file is its own lock. */
export async function resumeIngest(
  paths: ContentPaths,
  host: Pick<Host, "locks" | "files">,
  wanted: { readonly digest: Digest; readonly signal: AbortSignal | undefined },
): Promise<ResumableIngest | undefined> {
  const { digest } = wanted;
  if (existsSync(blobPath(paths, digest))) return undefined;
  const path = join(paths.ingest, `${prefix}${encoded(digest)}`);
  const lock = await host.locks.acquire(path, "exclusive", wanted.signal);
  if (existsSync(blobPath(paths, digest))) {
    rmSync(path, { force: true });
    lock[Symbol.dispose]();
    return undefined;
  }
  try {
    return new PartialIngest({ path, lock, paths, host, digest });
  } catch (error) {
    lock[Symbol.dispose]();
    throw diskError(error, { verb: "go on with blob", object: digest });
  }
}

interface Parts {
  readonly path: string;
  readonly lock: Lock;
  readonly paths: ContentPaths;
  readonly host: Pick<Host, "files">;
  readonly digest: Digest;
}

class PartialIngest implements ResumableIngest {
  readonly #parts: Parts;
  #digester = new Digester();
  #fd: number | undefined;
  readonly #early: EarlyFlush;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#early = new EarlyFlush(parts.host);
    this.#fd = openSync(parts.path, constants.O_RDWR);
    this.#digestKept(this.#fd);
  }

  /** What an earlier process wrote is read again: nothing on the disk says that it is whole. */
  #digestKept(fd: number): void {
    const buffer = Buffer.allocUnsafeSlow(readBytes);
    for (;;) {
      const length = readSync(fd, buffer, 0, readBytes, this.#digester.sizeBytes);
      if (length === 0) return;
      this.#digester.update(buffer.subarray(0, length));
    }
  }

  get offsetBytes(): number {
    return this.#digester.sizeBytes;
  }

  write(bytes: Uint8Array): void {
    const fd = this.#openFd();
    const start = this.#digester.sizeBytes;
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at, start + at);
    } catch (error) {
      // What the disk did not take must not be gone on with.
      ftruncateSync(fd, start);
      this[Symbol.dispose]();
      throw diskError(error, { verb: "write to the store", object: this.#parts.paths.root });
    }
    this.#digester.update(bytes);
    this.#early.wrote(fd, start + bytes.length);
  }

  restart(): void {
    ftruncateSync(this.#openFd(), 0);
    this.#digester = new Digester();
    this.#early.restart();
  }

  commit(
    mediaType: string,
    expect: { readonly digest?: Digest; readonly sizeBytes?: number } = {},
  ): Descriptor {
    const fd = this.#openFd();
    const { path, paths, host, digest } = this.#parts;
    const size = this.#digester.sizeBytes;
    try {
      checkExpected({ digest: this.#digester.digest(), size }, { ...expect, digest });
      fsyncSync(fd);
      renameSync(path, blobPath(paths, digest));
      host.files.sync(paths.blobs);
    } catch (error) {
      // Bytes that are wrong are worth nothing; those that only found no room may go on.
      if (isLighterError(error)) rmSync(path, { force: true });
      throw diskError(error, { verb: "store blob", object: digest });
    } finally {
      this[Symbol.dispose]();
    }
    return { mediaType, digest, size };
  }

  #openFd(): number {
    if (this.#fd === undefined)
      throw new LighterError("INTERNAL", "cannot write to an ingest that has ended");
    return this.#fd;
  }

  [Symbol.dispose](): void {
    if (this.#fd === undefined) return;
    // A file with nothing in it is no progress to keep.
    if (this.#digester.sizeBytes === 0) rmSync(this.#parts.path, { force: true });
    closeSync(this.#fd);
    this.#fd = undefined;
    this.#parts.lock[Symbol.dispose]();
  }
}
