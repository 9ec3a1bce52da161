import { LighterError } from "#base";
import type { Native } from "./native.ts";
import { callAsync, type Decoder, gather } from "./stream-decoder.ts";

// ZSTD_inBuffer and ZSTD_outBuffer: { void *memory; size_t size; size_t position; }
const bufferBytes = 24;
const sizeField = 8;
const positionField = 16;

/** Decoding by the system's libzstd. @throws when the library is absent */
export function openZstd(native: Native): Decoder {
  const library = native.load("libzstd.so.1");
  const create = library.func("void *ZSTD_createDCtx()");
  const free = library.func("size_t ZSTD_freeDCtx(void *context)");
  const decode = library.func("size_t ZSTD_decompressStream(void *context, void *output, void *input)");
  const isError = library.func("uint ZSTD_isError(size_t code)");
  const errorName = library.func("const char *ZSTD_getErrorName(size_t code)");
  return async (bytes) => {
    const context = create();
    const input = windowOn(native, bytes);
    try {
      return await gather({ inputBytes: bytes.length }, async (piece) => {
        const output = windowOn(native, piece);
        const left = await decodeInto(output, input);
        return { filled: Number(output.readBigUInt64LE(positionField)), isEnd: left };
      });
    } finally {
      free(context);
    }
    /** Decodes until the output is full or the input is used up; says whether the last frame has ended. */
    async function decodeInto(output: Buffer, source: Buffer): Promise<boolean> {
      for (;;) {
        const before = source.readBigUInt64LE(positionField);
        const hint = await callAsync(decode, context, output, source);
        if (isError(hint) !== 0) throw damaged(String(errorName(hint)));
        const isUsedUp = source.readBigUInt64LE(positionField) === BigInt(bytes.length);
        if (hint === 0 && isUsedUp) return true;
        if (output.readBigUInt64LE(positionField) === output.readBigUInt64LE(sizeField)) return false;
        if (isUsedUp && source.readBigUInt64LE(positionField) === before) throw damaged("it is cut short");
      }
    }
  };
}

/** Encoding by the system's libzstd. @throws when the library is absent */
export function openZstdEncoder(native: Native): (bytes: Uint8Array, level: number) => Promise<Uint8Array> {
  const library = native.load("libzstd.so.1");
  const boundOf = library.func("size_t ZSTD_compressBound(size_t length)");
  const isError = library.func("uint ZSTD_isError(size_t code)");
  const errorName = library.func("const char *ZSTD_getErrorName(size_t code)");
  const encode = library.func(
    "size_t ZSTD_compress(void *output, size_t room, void *input, size_t length, int level)",
  );
  return async (bytes, level) => {
    const output = Buffer.allocUnsafeSlow(boundOf(bytes.length));
    const length = await callAsync(encode, output, output.length, bytes, bytes.length, level);
    if (isError(length) !== 0)
      throw new LighterError("INTERNAL", `cannot encode as zstd: ${String(errorName(length))}`);
    return output.subarray(0, length);
  };
}

function windowOn(native: Native, memory: Uint8Array): Buffer {
  const buffer = Buffer.alloc(bufferBytes);
  buffer.writeBigUInt64LE(memory.length === 0 ? 0n : native.address(memory), 0);
  buffer.writeBigUInt64LE(BigInt(memory.length), sizeField);
  return buffer;
}

function damaged(state: string): LighterError {
  return new LighterError("ARCHIVE_INVALID", `cannot decode zstd data: ${state}`);
}
