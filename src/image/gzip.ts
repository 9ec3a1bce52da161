import { availableParallelism } from "node:os";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { gzipOptions } from "./gzip-options.ts";

/** Every block becomes a member of its own, so the result does not depend on how many are compressed at once. */
export const gzipBlockBytes = 1 << 20;
const defaultLevel = 6;

/**
 * Compresses to gzip with several members (RFC 1952, 2.2), on as many processors as there are. The same bytes always give
 * the same result, for one version of zlib.
 */
export function gzipBlocks(
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  level: number = defaultLevel,
): AsyncGenerator<Uint8Array, void, undefined> {
  return compressBlocks(chunks, {
    blockBytes: gzipBlockBytes,
    compress: (block) => promisify(gzip)(block, gzipOptions(block, level)),
  });
}

/** Compresses blocks of one length by themselves and in parallel; the results come in the order of the blocks. */
export async function* compressBlocks(
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  options: {
    readonly blockBytes: number;
    readonly compress: (block: Buffer) => Promise<Uint8Array>;
  },
): AsyncGenerator<Uint8Array, void, undefined> {
  const width = availableParallelism() + 1;
  const running: Promise<Uint8Array>[] = [];
  let isEmpty = true;
  try {
    for await (const block of blocksOf(chunks, options.blockBytes)) {
      isEmpty = false;
      running.push(options.compress(block));
      if (running.length >= width) yield await take(running);
    }
    while (running.length > 0) yield await take(running);
    if (isEmpty) yield await options.compress(Buffer.alloc(0));
  } finally {
    // When reading fails or the caller stops, nobody else waits for these.
    await Promise.allSettled(running);
  }
}

async function take(running: Promise<Uint8Array>[]): Promise<Uint8Array> {
  const first = running.shift();
  return first ?? Buffer.alloc(0);
}

/** Copies into blocks of one length, since the chunks' memory is not ours to keep. */
async function* blocksOf(
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  blockBytes: number,
): AsyncGenerator<Buffer, void, undefined> {
  let block = Buffer.allocUnsafeSlow(blockBytes);
  let used = 0;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      const length = Math.min(chunk.length - at, blockBytes - used);
      block.set(chunk.subarray(at, at + length), used);
      used += length;
      at += length;
      if (used < blockBytes) continue;
      yield block;
      block = Buffer.allocUnsafeSlow(blockBytes);
      used = 0;
    }
  }
  if (used > 0) yield block.subarray(0, used);
}
