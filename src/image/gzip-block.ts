import type { Host } from "#host";

/** Every block becomes a member of its own (RFC 1952, 2.2), so the result does not depend on how many are compressed at once. */
export const gzipBlockBytes = 1 << 20;
const samples = 8;
const sampleBytes = 4 << 10;
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
  return await codecs.gzip(block, (await isCompressible(codecs, block)) ? level : 0);
}

async function isCompressible(codecs: Pick<Host["codecs"], "gzip">, block: Buffer): Promise<boolean> {
  if (block.length < 2 * samples * sampleBytes) return true;
  const step = Math.floor((block.length - sampleBytes) / (samples - 1));
  const sample = Buffer.concat(
    Array.from({ length: samples }, (_, at) => block.subarray(at * step, at * step + sampleBytes)),
  );
  return (await codecs.gzip(sample, 1)).length <= sample.length * worthwhile;
}
