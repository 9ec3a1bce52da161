import type { NftRun } from "./firewall.ts";
import type { NativeFunction, NativeLibrary } from "./native.ts";
import type { Sys } from "./sys.ts";

const NFT_CTX_OUTPUT_JSON = 1 << 4;
const destructionMs = 20;

/**
 * libnftables in this process; undefined where it is not installed. A context belongs to the network namespace it was
 * made in, so each run makes its own.
 * @see libnftables(3)
 */
export function openNftables(sys: Sys): NftRun | undefined {
  const library = load(sys);
  if (library === undefined) return undefined;
  const nft = declare(library);
  return (script, json) => {
    const context = nft.create(0);
    if (context === 0) return { ok: false, words: "libnftables gave no context" };
    try {
      nft.bufferOutput(context);
      nft.bufferError(context);
      nft.setFlags(context, json ? NFT_CTX_OUTPUT_JSON : 0);
      const status = nft.run(context, script);
      if (status === 0) return { ok: true, output: nft.output(context) };
      return { ok: false, words: nft.error(context) };
    } finally {
      // Closing its socket waits for the kernel to destroy what the script removed (8 to 16 ms), and meanwhile nobody makes
      // or removes a link: when that is over, and on another thread, should somebody else's change be in the way.
      setTimeout(() => nft.free.async(context, () => {}), destructionMs).unref();
    }
  };
}

function load(sys: Sys): NativeLibrary | undefined {
  try {
    return sys.native.load("libnftables.so.1");
  } catch {
    return undefined;
  }
}

function declare(library: NativeLibrary) {
  const text = (name: string): NativeFunction<string | null> =>
    library.func<string | null>(`const char *${name}(uint64_t context)`);
  const output = text("nft_ctx_get_output_buffer");
  const error = text("nft_ctx_get_error_buffer");
  return {
    create: library.func("uint64_t nft_ctx_new(uint32_t flags)"),
    free: library.func("void nft_ctx_free(uint64_t context)"),
    bufferOutput: library.func("int nft_ctx_buffer_output(uint64_t context)"),
    bufferError: library.func("int nft_ctx_buffer_error(uint64_t context)"),
    setFlags: library.func("void nft_ctx_output_set_flags(uint64_t context, unsigned int flags)"),
    run: library.func("int nft_run_cmd_from_buffer(uint64_t context, const char *script)"),
    output: (context: number) => output(context) ?? "",
    error: (context: number) => error(context) ?? "",
  };
}
