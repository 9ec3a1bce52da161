import { createRequire } from "node:module";
import { promisify } from "node:util";
import { gzip as zlibGzip } from "node:zlib";
import type * as XzDecompress from "xz-decompress";
import { LighterError, Limit } from "#base";
import type { Codecs, Processes } from "./host.ts";
import { openGzipEncoder } from "./libdeflate.ts";
import { openLzma } from "./lzma.ts";
import type { Decoder } from "./stream-decoder.ts";
import type { Sys } from "./sys.ts";
import { openZstd, openZstdEncoder } from "./zstd.ts";
import { nodeZstdStream, zstdProgramStream } from "./zstd-fallback.ts";
import { openZstdStream } from "./zstd-stream.ts";

/** Each leaves as much as zlib's 6, within 1 %: in 40 to 60 % of its time, and in 70 %. */
const gzipLevels = { libdeflate: 4, zlib: 5 } as const;

/** Codecs over the system's libraries; where one is missing, what Node has, its program, and for xz a bundled one. */
export function createCodecs(getSys: () => Sys, processes: Processes): Codecs {
  const lzma = once(() => openLibrary(() => openLzma(getSys().native)));
  const zstd = once(() => openLibrary(() => openZstd(getSys().native)));
  const zstdStream = once(() => openLibrary(() => openZstdStream(getSys().native)));
  const gzipEncoder = once(() => openLibrary(() => openGzipEncoder(getSys().native)));
  const zstdEncoder = once(() => openLibrary(() => openZstdEncoder(getSys().native)));
  // Calls into native code run in threads of which there is a fixed number: past it, a call fails instead of waiting.
  const calls = new Limit(16);
  return {
    async xz(bytes, { sizeBytes } = {}) {
      const decode = lzma();
      if (decode !== undefined) return await calls.run(() => decode(bytes, sizeBytes));
      if (processes.find("xz") !== undefined) return await byProgram(processes, "xz", bytes);
      return await byBundledXz(bytes);
    },
    async zstd(bytes) {
      const decode = zstd() ?? nodeZstd();
      if (decode !== undefined) return await calls.run(() => decode(bytes));
      return await byProgram(processes, "zstd", bytes);
    },
    zstdStream(chunks) {
      const decode = zstdStream() ?? nodeZstdStream() ?? zstdProgramStream(processes);
      return decode(chunks);
    },
    async gzip(bytes, level) {
      const encode = gzipEncoder();
      if (encode !== undefined) return await calls.run(() => encode(bytes, level ?? gzipLevels.libdeflate));
      return await promisify(zlibGzip)(bytes, { level: level ?? gzipLevels.zlib, memLevel: 9 });
    },
    async zstdCompress(bytes, level = 3) {
      const encode = zstdEncoder() ?? nodeZstdEncoder();
      if (encode !== undefined) return await calls.run(() => encode(bytes, level));
      return await encodeByProgram(processes, bytes, level);
    },
  };
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** A library that this system lacks is no failure: the next way is taken. */
function openLibrary<T>(open: () => T): T | undefined {
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

function nodeZstdEncoder(): ((bytes: Uint8Array, level: number) => Promise<Uint8Array>) | undefined {
  const zlib: object = process.getBuiltinModule("node:zlib");
  if (!("zstdCompress" in zlib) || typeof zlib.zstdCompress !== "function") return undefined;
  const compress = zlib.zstdCompress;
  const levelParameter = 100; // ZSTD_c_compressionLevel
  return (bytes, level) =>
    new Promise((resolve, reject) => {
      compress(bytes, { params: { [levelParameter]: level } }, (error: unknown, output: Uint8Array) =>
        error ? reject(error) : resolve(output),
      );
    });
}

async function encodeByProgram(processes: Processes, bytes: Uint8Array, level: number): Promise<Uint8Array> {
  if (processes.find("zstd") === undefined)
    throw new LighterError(
      "COMPRESSION_UNSUPPORTED",
      "cannot compress with zstd: this system has neither libzstd nor the zstd program; install one, or use gzip",
    );
  const { status, stdout, stderr } = await processes.run("zstd", ["-c", "--ultra", `-${level}`], {
    input: bytes,
  });
  if (status === 0) return stdout;
  throw new LighterError("INTERNAL", `cannot compress with zstd: ${stderr.toString().trim()}`);
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
