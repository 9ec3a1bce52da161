import { closeSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { errorMessage, isLighterError, LighterError, systemErrorCode } from "#base";
import { type Host, partialPath } from "#host";
import { Extraction } from "#snapshot";
import type { Destination } from "./output.ts";

export interface WriteOptions {
  readonly host: Host;
  /** Takes what goes to the standard output. */
  readonly writeStdout: ((chunk: Uint8Array) => Promise<void> | void) | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Writes an archive where it was asked for; a file stays as it was until the new one is whole. */
export async function writeArchive(
  dest: Destination,
  archive: AsyncIterable<Uint8Array>,
  options: WriteOptions,
): Promise<void> {
  try {
    if (dest.kind === "file") await writeFile(dest.path, archive, options);
    else if (dest.kind === "directory") await unpack(dest.path, archive, options);
    else await writeStdout(archive, options);
  } catch (error) {
    if (isLighterError(error) || options.signal?.aborted) throw error;
    const what = dest.kind === "stdout" ? "standard output" : dest.path;
    const code = systemErrorCode(error) === "ENOSPC" ? "STORE_FULL" : "OUTPUT_UNWRITABLE";
    throw new LighterError(code, `cannot write the result to "${what}": ${errorMessage(error)}`, {
      cause: error,
    });
  }
}

async function writeStdout(archive: AsyncIterable<Uint8Array>, options: WriteOptions): Promise<void> {
  if (options.writeStdout === undefined)
    throw new LighterError(
      "ARGUMENT_INVALID",
      "cannot write the result: no destination was named; give dest=FILE",
    );
  for await (const chunk of archive) {
    options.signal?.throwIfAborted();
    await options.writeStdout(chunk);
  }
}

async function writeFile(
  path: string,
  archive: AsyncIterable<Uint8Array>,
  { host, signal }: WriteOptions,
): Promise<void> {
  mkdirSync(dirname(path), { recursive: true });
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true)
    throw new LighterError(
      "OUTPUT_UNWRITABLE",
      `cannot write the result to "${path}": destination file is a directory; name a file in it`,
    );
  const partial = partialPath(path);
  const fd = openSync(partial, "w", 0o666 & ~host.callerUmask);
  try {
    for await (const chunk of archive) {
      signal?.throwIfAborted();
      for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
    }
    if (partial !== path) renameSync(partial, path);
  } catch (error) {
    if (partial !== path) rmSync(partial, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
}

async function unpack(
  path: string,
  archive: AsyncIterable<Uint8Array>,
  { host, signal }: WriteOptions,
): Promise<void> {
  mkdirSync(path, { recursive: true });
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  using extraction = new Extraction({ host, root: path, owner });
  for await (const chunk of archive) {
    signal?.throwIfAborted();
    extraction.write(chunk);
  }
  extraction.finish();
}
