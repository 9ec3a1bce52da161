import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fsyncSync,
  ftruncateSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { diskError, LighterError } from "#base";
import type { Host, Lock } from "#host";
import type { Descriptor, Digest } from "#oci";
import { blobPath, type ContentPaths } from "./blob-path.ts";
import type { Ingest, IngestOptions } from "./content-store.ts";
import { EarlyFlush } from "./early-flush.ts";
import { HashThread } from "./hash-thread.ts";

/** Opens an ingest. The temporary file is its own lock: while the lock is held, no sweep of another process takes it. */
export function openIngest(
  paths: ContentPaths,
  host: Pick<Host, "locks" | "files">,
  { isFlushed = true, isCached = true, expectedBytes }: IngestOptions = {},
): Ingest {
  for (;;) {
    const path = join(paths.ingest, randomBytes(9).toString("base64url"));
    const lock = host.locks.tryAcquire(path, "exclusive");
    // A sweep that looked in the moment between creation and lock may hold it: take another name.
    if (lock === undefined) continue;
    return new FileIngest({ path, lock, paths, host, isFlushed, isCached, expectedBytes });
  }
}

const holeBytes = 64 << 10;
const zeros = Buffer.alloc(1 << 20);

interface Parts {
  readonly path: string;
  readonly lock: Lock;
  readonly paths: ContentPaths;
  readonly host: Pick<Host, "files">;
  readonly isFlushed: boolean;
  readonly isCached: boolean;
  readonly expectedBytes: number | undefined;
}

class FileIngest implements Ingest {
  readonly #parts: Parts;
  readonly #digester: HashThread;
  #fd: number | undefined;
  #endsInHole = false;
  readonly #early: EarlyFlush | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#early = parts.isFlushed ? new EarlyFlush(parts.host) : undefined;
    this.#digester = new HashThread(parts.expectedBytes);
    this.#fd = openSync(parts.path, constants.O_WRONLY);
  }

  write(bytes: Uint8Array): void {
    const fd = this.#openFd();
    this.#digester.update(bytes);
    try {
      this.#append(fd, bytes);
    } catch (error) {
      this[Symbol.dispose]();
      throw diskError(error, { verb: "write to the store", object: this.#parts.paths.root });
    }
  }

  /** Chunks of zeros become holes: a layer spells out the holes of its files, the disk need not. */
  #append(fd: number, bytes: Uint8Array): void {
    const start = this.#digester.sizeBytes - bytes.length;
    this.#endsInHole = bytes.length >= holeBytes && isZero(bytes);
    if (this.#endsInHole) return;
    for (let at = 0; at < bytes.length; ) at += this.#writeAt(fd, bytes.subarray(at), start + at);
    this.#early?.wrote(fd, start + bytes.length);
  }

  #writeAt(fd: number, bytes: Uint8Array, offset: number): number {
    const { isCached, host } = this.#parts;
    return isCached
      ? writeSync(fd, bytes, 0, bytes.length, offset)
      : host.files.writeUncached(fd, bytes, offset);
  }

  commit(
    mediaType: string,
    expect: { readonly digest?: Digest; readonly sizeBytes?: number } = {},
  ): Descriptor {
    const fd = this.#openFd();
    const size = this.#digester.sizeBytes;
    const digest = this.#digester.digest();
    try {
      checkExpected({ digest, size }, expect);
      if (this.#endsInHole) ftruncateSync(fd, size);
      if (this.#parts.isFlushed) fsyncSync(fd);
      // Renaming over a blob of the same name is harmless, and heals one whose bytes went bad.
      renameSync(this.#parts.path, blobPath(this.#parts.paths, digest));
      if (this.#parts.isFlushed) this.#parts.host.files.sync(this.#parts.paths.blobs);
    } catch (error) {
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
    closeSync(this.#fd);
    this.#fd = undefined;
    rmSync(this.#parts.path, { force: true });
    this.#digester[Symbol.dispose]();
    this.#parts.lock[Symbol.dispose]();
  }
}

export function checkExpected(
  actual: { readonly digest: Digest; readonly size: number },
  expect: { readonly digest?: Digest; readonly sizeBytes?: number },
): void {
  if (expect.sizeBytes !== undefined && expect.sizeBytes !== actual.size)
    throw new LighterError(
      "SIZE_MISMATCH",
      `cannot store blob "${expect.digest ?? actual.digest}": it has ${actual.size} bytes, ${expect.sizeBytes} were announced; fetch it again`,
    );
  if (expect.digest !== undefined && expect.digest !== actual.digest)
    throw new LighterError(
      "DIGEST_MISMATCH",
      `cannot store blob "${expect.digest}": its bytes are those of ${actual.digest}; fetch it again`,
      { details: { expected: expect.digest, actual: actual.digest } },
    );
}

function isZero(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at += zeros.length) {
    const length = Math.min(zeros.length, bytes.length - at);
    if (bytes[at] !== 0 || zeros.compare(bytes, at, at + length, 0, length) !== 0) return false;
  }
  return true;
}
