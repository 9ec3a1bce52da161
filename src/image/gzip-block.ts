import { deflateRawSync } from "node:zlib";
import type { Host } from "#host";

/** Every block becomes a member of its own (RFC 1952, 2.2), so the result does not depend on how many are compressed at once. */
export const gzipBlockBytes = 1 << 20;
const samples = 8;
const sampleBytes = 2 << 10;
/** Compressing is worth ten times the time only when it makes this much of a difference. */
const worthwhile = 0.98;

/**
 * Compresses a block to one member. Much of what layers hold is compressed already (packages, pictures, archives): a block
 * whose samples do not get smaller is stored. The same block always gives the same bytes, for one version of the library.
 */
export async function gzipBlock(
  codecs: Pick<Host["codecs"], "gzip">,
  block: Buffer,
  level: number | undefined,
): Promise<Uint8Array> {
  return await codecs.gzip(block, isCompressible(block) ? level : 0);
}

/** At once: a way to another thread and back takes longer than this. */
function isCompressible(block: Buffer): boolean {
  if (block.length < 2 * samples * sampleBytes) return true;
  const step = Math.floor((block.length - sampleBytes) / (samples - 1));
  const sample = Buffer.concat(
    Array.from({ length: samples }, (_, at) => block.subarray(at * step, at * step + sampleBytes)),
  );
  return deflateRawSync(sample, { level: 1 }).length <= sample.length * worthwhile;
}
