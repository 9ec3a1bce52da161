import { closeSync, fsyncSync, openSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { diskError, LighterError } from "#base";
import type { Descriptor } from "#oci";
import type { BlobOutcome, PutBlobOptions } from "../endpoints.ts";

/** Writes a blob under another name until it is whole and verified. @throws DIGEST_MISMATCH, SIZE_MISMATCH, STORE_FULL */
export async function writeBlob(
  path: string,
  blob: Descriptor,
  options: PutBlobOptions,
): Promise<BlobOutcome> {
  if (statSync(path, { throwIfNoEntry: false })?.size === blob.size) return "existed";
  const partial = `${path}.${process.pid}.partial`;
  try {
    const fd = openSync(partial, "w", 0o644);
    try {
      await writeChunks(fd, blob, options);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(partial, path);
    return "stored";
  } catch (error) {
    rmSync(partial, { force: true });
    throw diskError(error, { verb: "write blob", object: path });
  }
}

async function writeChunks(fd: number, blob: Descriptor, options: PutBlobOptions): Promise<void> {
  let current = 0;
  for await (const chunk of checkedChunks(blob, options)) {
    for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
    current += chunk.length;
    options.onBytes(current);
  }
}

/** The whole blob; fails when it is another than announced. */
export async function* checkedChunks(
  blob: Descriptor,
  options: Pick<PutBlobOptions, "read" | "signal">,
): AsyncGenerator<Uint8Array, void, undefined> {
  // Loaded here: few commands copy images, and every one loads this room.
  const { verified } = await import("#registry");
  let left = blob.size;
  for await (const chunk of verified(options.read(0), blob)) {
    if (options.signal?.aborted)
      throw new LighterError("CANCELLED", `cannot copy blob "${blob.digest}": cancelled`);
    left -= chunk.length;
    if (left < 0) break;
    yield chunk;
  }
  if (left !== 0)
    throw new LighterError(
      "SIZE_MISMATCH",
      `cannot copy blob "${blob.digest}": its manifest says ${blob.size} bytes, it has ${left < 0 ? "more" : blob.size - left}`,
    );
}
