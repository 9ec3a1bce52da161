import { LighterError } from "#base";
import type { Native } from "./native.ts";
import { callAsync, type Decoder, gather } from "./stream-decoder.ts";

// lzma_stream of a 64-bit platform, the stable ABI of liblzma.so.5. @see /usr/include/lzma/base.h
const streamBytes = 136;
const nextIn = 0;
const availIn = 8;
const nextOut = 24;
const availOut = 32;

const LZMA_OK = 0;
const LZMA_STREAM_END = 1;
const LZMA_CONCATENATED = 8;
const LZMA_FINISH = 3;
// The largest preset needs 65 MiB; more is a stream made to exhaust memory.
const memoryLimitBytes = 256 << 20;

const states: Readonly<Record<number, string>> = {
  5: "out of memory",
  6: "it asks for more than 256 MiB of memory",
  7: "it is not an xz stream",
  8: "it uses options that this liblzma does not know",
  9: "it is damaged",
  10: "it is cut short",
};

/** Decoding by the system's liblzma. @throws when the library is absent */
export function openLzma(native: Native): Decoder {
  const library = native.load("liblzma.so.5");
  const open = library.func("int lzma_stream_decoder(void *stream, uint64_t memoryLimit, uint32_t flags)");
  const code = library.func("int lzma_code(void *stream, int action)");
  const end = library.func("void lzma_end(void *stream)");
  return async (bytes, sizeBytes) => {
    const stream = Buffer.alloc(streamBytes);
    check(open(stream, memoryLimitBytes, LZMA_CONCATENATED));
    try {
      stream.writeBigUInt64LE(bytes.length === 0 ? 0n : native.address(bytes), nextIn);
      stream.writeBigUInt64LE(BigInt(bytes.length), availIn);
      return await gather({ inputBytes: bytes.length, sizeBytes }, async (piece) => {
        stream.writeBigUInt64LE(native.address(piece), nextOut);
        stream.writeBigUInt64LE(BigInt(piece.length), availOut);
        const result = await callAsync(code, stream, LZMA_FINISH);
        if (result !== LZMA_OK && result !== LZMA_STREAM_END) check(result);
        const left = Number(stream.readBigUInt64LE(availOut));
        return { filled: piece.length - left, isEnd: result === LZMA_STREAM_END };
      });
    } finally {
      end(stream);
    }
  };
}

function check(result: number): void {
  if (result === LZMA_OK) return;
  throw new LighterError(
    "ARCHIVE_INVALID",
    `cannot decode xz data: ${states[result] ?? `liblzma says ${result}`}`,
  );
}
