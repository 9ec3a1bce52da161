import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { diskError, LighterError } from "#base";
import type { Host } from "#host";
import { type Descriptor, type Digest, digestOf, isDigest } from "#oci";
import { blobPath, type ContentPaths, contentPaths } from "./blob-path.ts";
import { readBlob, readChunks, readFrom } from "./blob-reader.ts";
import type { ContentStore, Ingest, IngestOptions } from "./content-store.ts";
import { openIngest } from "./ingest.ts";
import { isPartial, keepsPartial, resumeIngest } from "./resumable-ingest.ts";

const layoutFile = '{"imageLayoutVersion":"1.0.0"}';

/**
 * Opens the blobs of the OCI image layout at `root`, making it when it is absent. Leftovers of dead processes go.
 * @throws STORE_UNUSABLE, STORE_FULL
 */
export function openContentStore(root: string, host: Pick<Host, "locks" | "files">): ContentStore {
  const paths = contentPaths(root);
  makeLayout(paths);
  sweepIngests(paths, host);
  const ingest = (options?: IngestOptions): Ingest => {
    try {
      return openIngest(paths, host, options);
    } catch (error) {
      throw diskError(error, { verb: "write to the store", object: root });
    }
  };
  return {
    has: (digest) => existsSync(blobPath(paths, digest)),
    findSize: (digest) => statSync(blobPath(paths, digest), { throwIfNoEntry: false })?.size,
    path: (digest) => blobPath(paths, digest),
    read: (digest, options) => readBlob(paths, digest, options?.limitBytes),
    readChunks: (digest) => readChunks(paths, digest, { reuseBuffer: true }),
    open: (digest, { offsetBytes = 0 } = {}) =>
      Readable.from(offsetBytes > 0 ? readFrom(paths, digest, offsetBytes) : readChunks(paths, digest), {
        objectMode: false,
      }),
    put(text, mediaType) {
      const bytes = typeof text === "string" ? Buffer.from(text) : text;
      return findEqual(paths, bytes, mediaType) ?? put(ingest(), bytes, mediaType);
    },
    ingest,
    resume: (digest, signal) => resumeIngest(paths, host, { digest, signal }),
    list: () => listBlobs(paths),
    collect: (isUsed) => collectBlobs(paths, host, isUsed),
  };
}

function makeLayout(paths: ContentPaths): void {
  try {
    for (const path of [paths.blobs, paths.ingest]) mkdirSync(path, { recursive: true, mode: 0o700 });
    const path = join(paths.root, "oci-layout");
    if (!existsSync(path)) writeFileSync(path, layoutFile);
    else checkLayout(path);
  } catch (error) {
    throw diskError(error, { verb: "open the store", object: paths.root });
  }
}

function checkLayout(path: string): void {
  const text = readFileSync(path, "utf8");
  // A crash between creation and writing leaves it empty.
  if (text === "") writeFileSync(path, layoutFile);
  else if (!/"imageLayoutVersion"\s*:\s*"1\./.test(text))
    throw new LighterError(
      "STORE_UNUSABLE",
      `cannot open the store: "${path}" is of another version; choose another root`,
    );
}

function put(ingest: Ingest, bytes: Uint8Array, mediaType: string): Descriptor {
  using open = ingest;
  open.write(bytes);
  return open.commit(mediaType);
}

/** A document that is there already is not written and flushed again; one whose bytes went bad is. */
function findEqual(paths: ContentPaths, bytes: Uint8Array, mediaType: string): Descriptor | undefined {
  const digest = digestOf(bytes);
  const path = blobPath(paths, digest);
  const now = new Date();
  if (statSync(path, { throwIfNoEntry: false })?.size !== bytes.length) return undefined;
  if (!readFileSync(path).equals(bytes)) return undefined;
  // A collector that began before now must take it for new.
  utimesSync(path, now, now);
  return { mediaType, digest, size: bytes.length };
}

function listBlobs(paths: ContentPaths): readonly Digest[] {
  return readdirSync(paths.blobs)
    .map((name) => `sha256:${name}`)
    .filter(isDigest)
    .sort();
}

/** Removes ingests whose owner is dead, but no unfinished one that may still go on. Returns when the oldest of the living began, in milliseconds. */
function sweepIngests(
  paths: ContentPaths,
  host: Pick<Host, "locks">,
  options: { readonly dropsPartial?: boolean } = {},
): number {
  let oldestMs = Number.POSITIVE_INFINITY;
  for (const name of readdirSync(paths.ingest)) {
    const path = join(paths.ingest, name);
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) continue;
    // Not even looked at: the try would make whoever takes it up again wait.
    if (options.dropsPartial !== true && isPartial(name) && keepsPartial(stats)) continue;
    using lock = host.locks.tryAcquire(path, "exclusive");
    if (lock === undefined) oldestMs = Math.min(oldestMs, stats.birthtimeMs);
    else rmSync(path, { force: true });
  }
  return oldestMs;
}

function collectBlobs(
  paths: ContentPaths,
  host: Pick<Host, "locks">,
  isUsed: (digest: Digest) => boolean,
): number {
  const oldestMs = sweepIngests(paths, host, { dropsPartial: true });
  let freedBytes = 0;
  for (const digest of listBlobs(paths)) {
    if (isUsed(digest)) continue;
    const path = blobPath(paths, digest);
    const stats = statSync(path, { throwIfNoEntry: false });
    // What a running operation has just stored is not yet named by anything.
    if (stats === undefined || stats.ctimeMs >= oldestMs) continue;
    rmSync(path, { force: true });
    freedBytes += stats.size;
  }
  return freedBytes;
}
