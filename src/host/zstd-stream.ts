import { LighterError } from "#base";
import type { Native } from "./native.ts";
import { callAsync } from "./stream-decoder.ts";

/** Decodes zstd frames that arrive in chunks; a chunk of the result is valid until the next is asked for. */
export type StreamDecoder = (
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
) => AsyncIterable<Uint8Array>;

// ZSTD_inBuffer and ZSTD_outBuffer: { void *memory; size_t size; size_t position; }
const bufferBytes = 24;
const sizeField = 8;
const positionField = 16;
const outputBytes = 1 << 18;
/** A window larger than this makes a small stream take much memory; zstd itself asks for a flag beyond 128 MiB. */
const windowLogMax = 27;
const windowLogParameter = 100; // ZSTD_d_windowLogMax

/** Streaming by the system's libzstd. @throws when the library is absent */
export function openZstdStream(native: Native): StreamDecoder {
  const library = native.load("libzstd.so.1");
  const create = library.func("void *ZSTD_createDCtx()");
  const free = library.func("size_t ZSTD_freeDCtx(void *context)");
  const setParameter = library.func("size_t ZSTD_DCtx_setParameter(void *context, int parameter, int value)");
  const decode = library.func("size_t ZSTD_decompressStream(void *context, void *output, void *input)");
  const isError = library.func("uint ZSTD_isError(size_t code)");
  const errorName = library.func("const char *ZSTD_getErrorName(size_t code)");
  return async function* (chunks) {
    const context = create();
    const output = Buffer.allocUnsafeSlow(outputBytes);
    const outputWindow = windowOn(native, output);
    // Nothing at all is no frame.
    let isFrameOpen = true;
    try {
      setParameter(context, windowLogParameter, windowLogMax);
      for await (const chunk of chunks) {
        const input = windowOn(native, chunk);
        for (let isMore = chunk.length > 0; isMore; ) {
          outputWindow.writeBigUInt64LE(0n, positionField);
          const hint = await callAsync(decode, context, outputWindow, input);
          if (isError(hint) !== 0) throw damaged(String(errorName(hint)));
          isFrameOpen = hint !== 0;
          const filled = Number(outputWindow.readBigUInt64LE(positionField));
          if (filled > 0) yield output.subarray(0, filled);
          // A full output may have more behind it although the input is used up.
          isMore = filled === outputBytes || input.readBigUInt64LE(positionField) < BigInt(chunk.length);
        }
      }
      if (isFrameOpen) throw damaged("it is cut short");
    } finally {
      free(context);
    }
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
