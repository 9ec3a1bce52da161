import { closeSync, constants, createReadStream, openSync, readFileSync, readSync } from "node:fs";
import { createGunzip, gunzipSync, constants as zlib } from "node:zlib";
import { TarReader } from "#archive";
import { isLighterError, LighterError } from "#base";
import type { Host } from "#host";
import type { Entry } from "../tree/tree.ts";

type Compression = "none" | "gzip" | "bzip2" | "xz" | "zstd";

export interface UnpackHost {
  readonly codecs: Host["codecs"];
  readonly files: Host["files"];
  readonly processes: Host["processes"];
}

const magics: readonly (readonly [Compression, readonly number[]])[] = [
  ["gzip", [0x1f, 0x8b, 0x08]],
  ["bzip2", [0x42, 0x5a, 0x68]],
  ["xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd]],
];

const probeBytes = 1 << 16;

/** Whether the file is a tar archive, plain or compressed, by its content: its first header is read. */
export async function isArchive(entry: Entry, host: UnpackHost): Promise<boolean> {
  const start = readStart(entry);
  const compression = compressionOf(start);
  if (compression === "none") return startsTar(start);
  if (compression === "gzip") return startsTar(gunzipStart(start));
  return await decompressWhole(entry, compression, host).then(
    (bytes) => startsTar(bytes.subarray(0, probeBytes)),
    () => false,
  );
}

function readStart(entry: Entry): Buffer {
  const fd = openSync(entry.location, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const buffer = Buffer.alloc(probeBytes);
    return buffer.subarray(0, readSync(fd, buffer, 0, probeBytes, 0));
  } finally {
    closeSync(fd);
  }
}

function compressionOf(start: Buffer): Compression {
  return magics.find(([, magic]) => magic.every((byte, at) => start[at] === byte))?.[0] ?? "none";
}

function gunzipStart(start: Buffer): Buffer {
  try {
    return gunzipSync(start, { finishFlush: zlib.Z_SYNC_FLUSH });
  } catch {
    return Buffer.alloc(0); // no gzip after all: then it is a plain file
  }
}

function startsTar(start: Uint8Array): boolean {
  let found = false;
  const reader = new TarReader({
    onEntry() {
      found = true;
    },
    onData() {},
    onEntryEnd() {},
  });
  try {
    for (let at = 0; at < start.length && !found; at += 512) reader.write(start.subarray(at, at + 512));
  } catch (error) {
    if (!isLighterError(error)) throw error;
  }
  return found;
}

async function decompressWhole(
  entry: Entry,
  compression: Compression,
  host: UnpackHost,
): Promise<Uint8Array> {
  const bytes = readFileSync(entry.location);
  if (compression === "xz") return await host.codecs.xz(bytes);
  if (compression === "zstd") return await host.codecs.zstd(bytes);
  const { status, stdout, stderr } = await host.processes.run("bzip2", ["-dc"], { input: bytes });
  if (status !== 0)
    throw new LighterError(
      "ARCHIVE_INVALID",
      `cannot decompress "${entry.location}": ${stderr.toString().trim()}`,
    );
  return stdout;
}

/** The bytes of the tar archive inside. */
export async function* decompressed(entry: Entry, host: UnpackHost): AsyncIterable<Uint8Array> {
  const compression = compressionOf(readStart(entry));
  if (compression === "none" || compression === "gzip") {
    const stream = createReadStream(entry.location, { highWaterMark: 1 << 20 });
    yield* compression === "none" ? stream : stream.pipe(createGunzip({ chunkSize: 1 << 20 }));
    return;
  }
  yield await decompressWhole(entry, compression, host);
}
