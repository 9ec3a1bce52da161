import { randomBytes } from "node:crypto";
import { closeSync, lstatSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { diskError, LighterError } from "#base";
import { type Digest, Digester } from "#oci";
import type { HttpOp, UploadOp } from "#plan";
import type { SnapshotName } from "#snapshot";
import { setTime, UpperWriter } from "../copy/upper-writer.ts";
import { isArchive } from "../ops/archive-file.ts";
import { unpackInto } from "../ops/unpack.ts";
import { hashKey } from "../solve/keys.ts";
import { writtenSince } from "../times/time-origin.ts";
import { LayeredTree } from "../tree/layered-tree.ts";
import { type Entry, entryOf } from "../tree/tree.ts";
import type { RemoteOptions, RemoteTree } from "./remote-sources.ts";

type Unpacking = Pick<RemoteOptions, "host" | "snapshots"> & { readonly signal?: AbortSignal | undefined };

/** What is in an archive from the web that the store has. */
export function unpackedFile(
  op: HttpOp,
  fetched: RemoteTree,
  options: RemoteOptions & Unpacking,
): RemoteTree {
  return {
    id: hashKey("unpacked", fetched.id),
    resolved: fetched.resolved,
    origin: writtenFromNow(),
    async make() {
      const snapshot = options.cache.find(fetched.id)?.snapshot ?? (await fetched.make());
      const [layer = ""] = options.snapshots.layers(snapshot);
      return await unpackArchive(entryAt(join(layer, op.filename)), options);
    },
  };
}

/** What an archive holds that {@link storeStream} was given. */
export function findUpload({ digest }: UploadOp): RemoteTree {
  const make = async (): Promise<never> => {
    throw new LighterError(
      "STORE_CORRUPT",
      "cannot use the build context: the store lost it while it was in use",
    );
  };
  return { id: uploadId(digest), resolved: digest, origin: writtenFromNow(), make };
}

/** What came as a stream of bytes: an archive, which is in the store now, or anything else. */
export type Streamed =
  | { readonly kind: "archive"; readonly digest: Digest }
  | { readonly kind: "other"; readonly bytes: Uint8Array };

/** No Dockerfile is this long: what is longer was meant to be something else. */
const otherLimitBytes = 16 << 20;

/**
 * Takes a stream that is an archive or a Dockerfile. An archive is unpacked into the store, unless that has it.
 * @throws ARCHIVE_INVALID, ARCHIVE_HOSTILE, CONTEXT_INVALID
 */
export async function storeStream(
  chunks: AsyncIterable<Uint8Array>,
  options: Pick<RemoteOptions, "cache"> & Unpacking,
): Promise<Streamed> {
  // A snapshot that is never committed: when this process dies, the next sweep removes what came.
  await using scratch = options.snapshots.prepare(undefined);
  const path = join(scratch.upper, "stream");
  const digest = await writeStream(chunks, path, options.signal);
  const entry = entryAt(path);
  if (!(await isArchive(entry, options.host))) return await other(entry);
  await keepUpload(digest, entry, options);
  return { kind: "archive", digest };
}

async function other(entry: Entry): Promise<Streamed> {
  if (entry.sizeBytes > otherLimitBytes)
    throw new LighterError(
      "CONTEXT_INVALID",
      `cannot build from standard input: its ${entry.sizeBytes} bytes are no archive, and too many for a Dockerfile`,
    );
  const { readFileSync } = await import("node:fs");
  return { kind: "other", bytes: readFileSync(entry.location) };
}

async function writeStream(
  chunks: AsyncIterable<Uint8Array>,
  path: string,
  signal: AbortSignal | undefined,
): Promise<Digest> {
  const digester = new Digester();
  const fd = openSync(path, "wx", 0o600);
  try {
    for await (const chunk of untilAborted(chunks, signal)) {
      digester.update(chunk);
      writeAll(fd, chunk);
    }
  } finally {
    closeSync(fd);
  }
  return digester.digest();
}

function writeAll(fd: number, chunk: Uint8Array): void {
  try {
    for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
  } catch (error) {
    throw diskError(error, { verb: "keep", object: "standard input" });
  }
}

/** Who types on a terminal may never send another byte. */
async function* untilAborted(
  chunks: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]();
  let stop = (): void => undefined;
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(new LighterError("CANCELLED", "cannot read the build context: cancelled"));
  });
  stopped.catch(() => undefined);
  if (signal?.aborted === true) stop();
  signal?.addEventListener("abort", stop, { once: true });
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), stopped]);
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

async function keepUpload(
  digest: Digest,
  entry: Entry,
  options: Pick<RemoteOptions, "cache"> & Unpacking,
): Promise<void> {
  const id = uploadId(digest);
  const known = options.cache.find(id)?.snapshot;
  if (known !== undefined && options.snapshots.find(known) !== undefined) return;
  const origin = writtenFromNow();
  const snapshot = await unpackArchive(entry, options);
  options.cache.put(id, { id, snapshot, origin: origin(), name: "build context from standard input" });
}

function uploadId(digest: Digest): string {
  return hashKey("upload", digest);
}

/** Times before now are the archive's own; later ones are of directories that were made on the way. */
function writtenFromNow(): RemoteTree["origin"] {
  const startMs = Date.now();
  return () => writtenSince(startMs);
}

async function unpackArchive(archive: Entry, options: Unpacking): Promise<SnapshotName> {
  const { host, snapshots, signal } = options;
  await using active = snapshots.prepare(undefined);
  const tree = new LayeredTree([active.upper], host.files);
  const writer = new UpperWriter({ upper: active.upper, tree, files: host.files });
  await unpackInto(writer, { archive, destination: "/", owner: undefined, host, times: new Set(), signal });
  setTime(active.upper, 0);
  return snapshots.commit(active, `remote-${randomBytes(12).toString("hex")}`);
}

function entryAt(path: string): Entry {
  return entryOf(path, lstatSync(path));
}
