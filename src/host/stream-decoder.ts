import { LighterError } from "#base";
import type { NativeFunction, NativeValue } from "./native.ts";

/**
 * Decodes one whole compressed stream, of `sizeBytes` when its index says so.
 * @throws ARCHIVE_INVALID when it is damaged or cut short, ARCHIVE_HOSTILE when it is longer
 */
export type Decoder = (bytes: Uint8Array, sizeBytes?: number) => Promise<Uint8Array>;

// Packages and layers in one piece of memory: more is made to exhaust it.
const mostOutputBytes = 2 ** 31;
const smallestOutputBytes = 1 << 16;
const largestOutputBytes = 1 << 24;
const largestKnownBytes = 1 << 26;

/** Calls a C function on a thread of libuv's pool, so that streams decode side by side. */
export function callAsync(fn: NativeFunction, ...values: readonly NativeValue[]): Promise<number> {
  return new Promise((resolve, reject) => {
    fn.async(...values, (error, result) => (error === null ? resolve(result) : reject(error)));
  });
}

/** The whole of a decoded stream whose chunks are used again. @throws ARCHIVE_HOSTILE when it is longer than anything honest */
export async function collect(inputBytes: number, chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of chunks) {
    total += chunk.length;
    if (total > mostOutputBytes) throw tooLong(inputBytes, mostOutputBytes);
    pieces.push(Uint8Array.prototype.slice.call(chunk));
  }
  return pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces);
}

/**
 * Gathers output in pieces that grow with what has come, so that neither a hostile header nor a wrong guess reserves
 * memory. A length that is known is taken in one piece, up to 64 MiB; it has a byte to spare, so that the call that fills it
 * sees the stream's end, too. `step` fills a piece and says how much, and whether the stream has ended.
 */
export async function gather(
  { inputBytes, sizeBytes }: { readonly inputBytes: number; readonly sizeBytes?: number | undefined },
  step: (piece: Buffer) => Promise<{ readonly filled: number; readonly isEnd: boolean }>,
): Promise<Uint8Array> {
  const pieces: Buffer[] = [];
  let total = 0;
  const most = sizeBytes ?? mostOutputBytes;
  let size = sizeBytes === undefined ? clamp(inputBytes * 4) : Math.min(sizeBytes + 1, largestKnownBytes);
  for (;;) {
    const piece = Buffer.allocUnsafeSlow(size);
    const { filled, isEnd } = await step(piece);
    pieces.push(piece.subarray(0, filled));
    total += filled;
    if (total > most) throw tooLong(inputBytes, most);
    if (isEnd) return pieces.length === 1 ? piece.subarray(0, filled) : Buffer.concat(pieces);
    size = clamp(size * 2);
  }
}

function tooLong(inputBytes: number, most: number): LighterError {
  return new LighterError(
    "ARCHIVE_HOSTILE",
    `cannot decode ${inputBytes} bytes: they become more than ${most} bytes`,
  );
}

function clamp(size: number): number {
  return Math.min(largestOutputBytes, Math.max(smallestOutputBytes, size));
}
