import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, readSync, renameSync } from "node:fs";
import { join } from "node:path";
import { diskError, LighterError, systemErrorCode } from "#base";
import { sha256 } from "#host";
import { type Digest, Digester, encoded, parseDigest } from "#oci";
import { blobPath, type ContentPaths } from "./blob-path.ts";
import { HashThread } from "./hash-thread.ts";

const defaultLimitBytes = 4 << 20;
const chunkBytes = 1 << 20;

/** The whole of a blob that is small by its nature (manifest, config). */
export function readBlob(paths: ContentPaths, digest: Digest, limitBytes = defaultLimitBytes): Buffer {
  const fd = openBlob(paths, digest);
  try {
    checkLimit(digest, sizeOf(paths, digest, fd), limitBytes);
    const bytes = readFileSync(fd);
    const actual = parseDigest(`sha256:${sha256(bytes)}`);
    if (actual !== digest) throw corrupt(paths, digest, actual);
    return bytes;
  } finally {
    closeSync(fd);
  }
}

/** Every chunk is a buffer of its own. The last step fails with DIGEST_MISMATCH when the bytes are not the digest's. */
export function* readChunks(
  paths: ContentPaths,
  digest: Digest,
  options: { readonly limitBytes?: number; readonly reuseBuffer?: boolean } = {},
): Generator<Buffer, void, undefined> {
  const fd = openBlob(paths, digest);
  let thread: HashThread | undefined;
  try {
    const sizeBytes = sizeOf(paths, digest, fd);
    checkLimit(digest, sizeBytes, options.limitBytes);
    // Many streams may be open at once, whose bytes come by slowly; who reads synchronously reads one.
    if (options.reuseBuffer === true) thread = new HashThread(sizeBytes);
    const digester = thread ?? new Digester();
    const shared = options.reuseBuffer
      ? Buffer.allocUnsafeSlow(Math.min(chunkBytes, Math.max(1, sizeBytes)))
      : undefined;
    for (;;) {
      const buffer =
        shared ?? Buffer.allocUnsafeSlow(Math.min(chunkBytes, Math.max(1, sizeBytes - digester.sizeBytes)));
      const length = readSync(fd, buffer);
      if (length === 0) break;
      const chunk = buffer.subarray(0, length);
      digester.update(chunk);
      yield chunk;
    }
    const actual = digester.digest();
    if (actual !== digest) throw corrupt(paths, digest, actual);
  } finally {
    thread?.[Symbol.dispose]();
    closeSync(fd);
  }
}

/** The bytes from an offset on, as they lie on the disk: whoever receives them verifies the whole. */
export function* readFrom(
  paths: ContentPaths,
  digest: Digest,
  offsetBytes: number,
): Generator<Buffer, void, undefined> {
  const fd = openBlob(paths, digest);
  try {
    for (let at = offsetBytes; ; ) {
      const buffer = Buffer.allocUnsafeSlow(chunkBytes);
      const length = readSync(fd, buffer, 0, chunkBytes, at);
      if (length === 0) return;
      at += length;
      yield buffer.subarray(0, length);
    }
  } finally {
    closeSync(fd);
  }
}

function openBlob(paths: ContentPaths, digest: Digest): number {
  try {
    return openSync(blobPath(paths, digest), "r");
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw diskError(error, { verb: "read blob", object: digest });
    throw new LighterError(
      "BLOB_NOT_FOUND",
      `cannot read blob "${digest}": it is not in the store; build, load or pull the image again`,
      { details: { digest } },
    );
  }
}

function sizeOf(paths: ContentPaths, digest: Digest, fd: number): number {
  const stats = fstatSync(fd);
  if (!stats.isFile()) throw corrupt(paths, digest, undefined);
  return stats.size;
}

function checkLimit(digest: Digest, sizeBytes: number, limitBytes = Number.POSITIVE_INFINITY): void {
  if (sizeBytes > limitBytes)
    throw new LighterError(
      "SIZE_MISMATCH",
      `cannot read blob "${digest}" into memory: it has ${sizeBytes} bytes, the limit is ${limitBytes}`,
    );
}

/** Moves the bad blob aside, so that whoever makes the same bytes again stores them again. */
function corrupt(paths: ContentPaths, digest: Digest, actual: Digest | undefined): LighterError {
  const aside = join(paths.corrupt, encoded(digest));
  let isAside = false;
  try {
    mkdirSync(paths.corrupt, { recursive: true });
    renameSync(blobPath(paths, digest), aside);
    isAside = true;
  } catch {
    // A read-only store keeps it where it is; the error below still says what is wrong.
  }
  const where = isAside ? `it was moved to ${aside}` : "the store is read-only";
  return new LighterError(
    "DIGEST_MISMATCH",
    `cannot read blob "${digest}": its bytes changed on the disk; ${where}: build, load or pull the image again`,
    { details: { digest, ...(actual && { actual }), ...(isAside && { aside }) } },
  );
}
