import { constants, deflateRawSync, type ZlibOptions } from "node:zlib";

const samples = 8;
const sampleBytes = 4 << 10;
/** Compressing more is worth three times the time only when it makes this much of a difference. */
const worthwhile = 0.96;

/**
 * How to compress a block, by samples of it. Much of what layers hold is compressed already (packages, pictures, archives):
 * looking for repetitions in it takes most of the time and finds none. What does not get smaller at all is stored, and where
 * only runs of one byte and rare letters are to be had, only these are looked for. The same block always gets the same.
 */
export function gzipOptions(block: Buffer, level: number): ZlibOptions {
  const full = { level, memLevel: 9 };
  if (level === 0 || block.length < 2 * samples * sampleBytes) return full;
  const sample = sampleOf(block);
  const best = deflateRawSync(sample, { level }).length;
  if (best > sample.length * worthwhile) return { level: 0 };
  const runs = deflateRawSync(sample, { level, strategy: constants.Z_RLE }).length;
  return runs * worthwhile > best ? full : { ...full, strategy: constants.Z_RLE };
}

function sampleOf(block: Buffer): Buffer {
  const step = Math.floor((block.length - sampleBytes) / (samples - 1));
  return Buffer.concat(
    Array.from({ length: samples }, (_, at) => block.subarray(at * step, at * step + sampleBytes)),
  );
}
