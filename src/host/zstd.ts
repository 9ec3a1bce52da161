import { LighterError } from "#base";
import type { Native } from "./native.ts";
import { callAsync, collect, type Decoder } from "./stream-decoder.ts";
import { openZstdStream } from "./zstd-stream.ts";

/** Decoding by the system's libzstd. @throws when the library is absent */
export function openZstd(native: Native): Decoder {
  const decode = openZstdStream(native);
  return (bytes) => collect(bytes.length, decode([bytes]));
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
