import { createRequire } from "node:module";
import type * as XzDecompress from "xz-decompress";
import { LighterError } from "#base";
import type { Codecs, Processes } from "./host.ts";
import { openLzma } from "./lzma.ts";
import type { Decoder } from "./stream-decoder.ts";
import type { Sys } from "./sys.ts";
import { openZstd } from "./zstd.ts";

/** Decoders over the system's libraries; where one is missing, its program, and for xz a bundled one. */
export function createCodecs(getSys: () => Sys, processes: Processes): Codecs {
  const lzma = once(() => openLibrary(() => openLzma(getSys().native)));
  const zstd = once(() => openLibrary(() => openZstd(getSys().native)));
  return {
    async xz(bytes, { sizeBytes } = {}) {
      const decode = lzma();
      if (decode !== undefined) return await decode(bytes, sizeBytes);
      if (processes.find("xz") !== undefined) return await byProgram(processes, "xz", bytes);
      return await byBundledXz(bytes);
    },
    async zstd(bytes) {
      const decode = zstd() ?? nodeZstd();
      if (decode !== undefined) return await decode(bytes);
      return await byProgram(processes, "zstd", bytes);
    },
  };
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** A library that this system lacks is no failure: the next way is taken. */
function openLibrary(open: () => Decoder): Decoder | undefined {
  try {
    return open();
  } catch {
    return undefined;
  }
}

// Node 22.15 and later; its output stream grows as data comes, so a false size in a header costs nothing.
function nodeZstd(): Decoder | undefined {
  const zlib: object = process.getBuiltinModule("node:zlib");
  if (!("zstdDecompress" in zlib) || typeof zlib.zstdDecompress !== "function") return undefined;
  const decompress = zlib.zstdDecompress;
  return (bytes) =>
    new Promise((resolve, reject) => {
      decompress(bytes, (cause: unknown, output: Uint8Array) =>
        cause
          ? reject(new LighterError("ARCHIVE_INVALID", "cannot decode zstd data: it is damaged", { cause }))
          : resolve(output),
      );
    });
}

async function byProgram(processes: Processes, program: string, bytes: Uint8Array): Promise<Uint8Array> {
  const { status, stdout, stderr } = await processes.run(program, ["-dc"], { input: bytes });
  if (status === 0) return stdout;
  throw new LighterError("ARCHIVE_INVALID", `cannot decode ${program} data: ${stderr.toString().trim()}`);
}

async function byBundledXz(bytes: Uint8Array): Promise<Uint8Array> {
  // CommonJS: an import() of it would have the names only below `default`, against its own types.
  const { XzReadableStream }: typeof XzDecompress = createRequire(import.meta.url)("xz-decompress");
  const source = new Blob([bytes]).stream();
  try {
    return new Uint8Array(await new Response(new XzReadableStream(source)).arrayBuffer());
  } catch (cause) {
    throw new LighterError("ARCHIVE_INVALID", "cannot decode xz data: it is damaged", { cause });
  }
}
