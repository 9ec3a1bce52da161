import { LighterError } from "#base";
import type { Native } from "./native.ts";
import { callAsync } from "./stream-decoder.ts";

/** Encoding to one member of gzip, by the system's libdeflate. @throws when the library is absent */
export function openGzipEncoder(native: Native): (bytes: Uint8Array, level: number) => Promise<Uint8Array> {
  const library = native.load("libdeflate.so.0");
  const create = library.func("void *libdeflate_alloc_compressor(int level)");
  const free = library.func("void libdeflate_free_compressor(void *compressor)");
  const boundOf = library.func("size_t libdeflate_gzip_compress_bound(void *compressor, size_t length)");
  const encode = library.func(
    "size_t libdeflate_gzip_compress(void *compressor, void *input, size_t length, void *output, size_t room)",
  );
  return async (bytes, level) => {
    const compressor = create(level);
    try {
      const output = Buffer.allocUnsafeSlow(boundOf(compressor, bytes.length));
      const length = await callAsync(encode, compressor, bytes, bytes.length, output, output.length);
      if (length === 0) throw new LighterError("INTERNAL", "cannot encode as gzip: out of memory");
      return output.subarray(0, length);
    } finally {
      free(compressor);
    }
  };
}
