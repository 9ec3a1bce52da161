import { availableParallelism } from "node:os";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

const compress = promisify(gzip);

/** Every block becomes a member of its own, so the result does not depend on how many are compressed at once. */
const blockBytes = 1 << 20;
const level = 6;

/**
 * Compresses to gzip with several members (RFC 1952, 2.2), on as many processors as there are. The same bytes always give
 * the same result, for one version of zlib.
 */
export async function* gzipBlocks(
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): AsyncGenerator<Buffer, void, undefined> {
  const width = availableParallelism() + 1;
  const running: Promise<Buffer>[] = [];
  let isEmpty = true;
  for await (const block of blocksOf(chunks)) {
    isEmpty = false;
    running.push(compress(block, { level }));
    if (running.length >= width) yield await take(running);
  }
  while (running.length > 0) yield await take(running);
  if (isEmpty) yield await compress(Buffer.alloc(0), { level });
}

async function take(running: Promise<Buffer>[]): Promise<Buffer> {
  const first = running.shift();
  return first ?? Buffer.alloc(0);
}

/** Copies into blocks of one length, since the chunks' memory is not ours to keep. */
async function* blocksOf(
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
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
