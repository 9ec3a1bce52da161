import { pipeline, Readable } from "node:stream";
import { errorMessage, LighterError } from "#base";
import type { Processes } from "./host.ts";
import type { StreamDecoder } from "./zstd-stream.ts";

/** Node 22.15 and later. */
export function nodeZstdStream(): StreamDecoder | undefined {
  const zlib: object = process.getBuiltinModule("node:zlib");
  if (!("createZstdDecompress" in zlib) || typeof zlib.createZstdDecompress !== "function") return undefined;
  const create = zlib.createZstdDecompress as () => NodeJS.ReadWriteStream;
  return async function* (chunks) {
    const stream = create();
    pipeline(Readable.from(chunks, { objectMode: false }), stream, () => {});
    try {
      for await (const chunk of stream) yield chunk as Buffer;
    } catch (error) {
      throw new LighterError("ARCHIVE_INVALID", `cannot decode zstd data: ${errorMessage(error)}`);
    }
  };
}

/** The zstd program, where there is neither the library nor a Node that knows it. */
export function zstdProgramStream(processes: Processes): StreamDecoder {
  return async function* (chunks) {
    if (processes.find("zstd") === undefined)
      throw new LighterError(
        "COMPRESSION_UNSUPPORTED",
        "cannot decode zstd data: this system has neither libzstd nor the zstd program; install one",
      );
    const running = processes.spawn("zstd", ["-dc"], { stdio: ["pipe", "pipe", "ignore"] });
    const { stdin, stdout, exited } = running;
    if (stdin === undefined || stdout === undefined)
      throw new LighterError("INTERNAL", "cannot decode zstd data: the program has no pipes");
    let feed: Error | undefined;
    pipeline(Readable.from(chunks, { objectMode: false }), stdin, (error) => {
      feed = error ?? undefined;
    });
    try {
      for await (const chunk of stdout) yield chunk as Buffer;
    } finally {
      running.kill("SIGKILL");
    }
    const { status } = await exited;
    if (feed !== undefined) throw feed;
    if (status !== 0)
      throw new LighterError("ARCHIVE_INVALID", "cannot decode zstd data: it is damaged or cut short");
  };
}
