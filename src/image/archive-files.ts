import { posix } from "node:path";
import { type TarEntry, TarReader } from "#archive";
import { errorMessage, isLighterError, LighterError } from "#base";
import type { ContentStore, Ingest } from "#content";
import { type Descriptor, type Digest, isDigest } from "#oci";
import type { LayerParts } from "./commit-layer.ts";
import { decompressed } from "./compression.ts";
import { FileTally } from "./file-tally.ts";
import type { LoadOptions } from "./image-store.ts";

/** Documents are kept in memory up to this length; what is longer is a layer. */
const documentLimitBytes = 1 << 20;
const documentsLimitBytes = 64 << 20;

/** The files of an image archive: documents in memory, blobs in the content store (verified where their name says how). */
export interface ArchiveFiles {
  /** The text of a document, or undefined. */
  findDocument(path: string): Buffer | undefined;
  has(path: string): boolean;
  /** A file as a blob of the store, links followed. @throws IMAGE_INVALID when the archive has none */
  getBlob(path: string): Descriptor;
}

/** Reads an image archive, plain or compressed, to its end. @throws ARCHIVE_INVALID, DIGEST_MISMATCH, STORE_FULL */
export async function readArchive(
  parts: Pick<LayerParts, "content" | "records" | "host">,
  archive: AsyncIterable<Uint8Array>,
  options: LoadOptions,
): Promise<ArchiveFiles> {
  using collector = new Collector(parts);
  let current = 0;
  for await (const chunk of plain(parts.host, archive)) {
    if (options.signal?.aborted) throw new LighterError("CANCELLED", "cannot load the archive: cancelled");
    current += chunk.length;
    collector.reader.write(chunk);
    options.onProgress?.({ id: "load", label: "load image", current, unit: "bytes" });
  }
  if (current === 0) throw new LighterError("IMAGE_INVALID", "cannot load the archive: it is empty");
  collector.reader.end();
  options.onProgress?.({ id: "load", label: "load image", current, unit: "bytes", done: true });
  return collector;
}

async function* plain(
  host: LayerParts["host"],
  archive: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* decompressed(host, archive);
  } catch (error) {
    if (isLighterError(error)) throw error;
    throw new LighterError(
      "ARCHIVE_INVALID",
      `cannot load the archive: its gzip data is damaged (${errorMessage(error)})`,
    );
  }
}

class Collector implements ArchiveFiles, Disposable {
  readonly reader: TarReader;
  readonly #content: ContentStore;
  readonly #records: LayerParts["records"];
  readonly #documents = new Map<string, Buffer>();
  readonly #blobs = new Map<string, Descriptor>();
  readonly #links = new Map<string, string>();
  #documentsBytes = 0;
  #ingest: Ingest | undefined;
  #tally = new FileTally();
  #document: Buffer | undefined;

  constructor({ content, records }: Pick<LayerParts, "content" | "records">) {
    this.#content = content;
    this.#records = records;
    this.reader = new TarReader({
      onEntry: (entry) => this.#begin(entry),
      onData: (bytes, offset) => this.#data(bytes, offset),
      onEntryEnd: (entry) => this.#end(entry),
    });
  }

  #begin(entry: TarEntry): void {
    const path = normalize(entry.path);
    if (entry.kind === "symlink")
      this.#links.set(path, normalize(posix.join(posix.dirname(path), entry.linkPath)));
    if (entry.kind === "hardlink") this.#links.set(path, normalize(entry.linkPath));
    if (entry.kind !== "file") return;
    if (entry.segments !== undefined)
      throw new LighterError(
        "ARCHIVE_INVALID",
        `cannot load the archive: "${entry.path}" is stored as a sparse file`,
      );
    if (digestOfName(path) !== undefined || entry.sizeBytes > documentLimitBytes)
      [this.#ingest, this.#tally] = [this.#content.ingest(), new FileTally()];
    else this.#document = this.#newDocument(entry.sizeBytes);
  }

  #newDocument(sizeBytes: number): Buffer {
    this.#documentsBytes += sizeBytes;
    if (this.#documentsBytes > documentsLimitBytes)
      throw new LighterError(
        "ARCHIVE_HOSTILE",
        "cannot load the archive: it holds too many small files for an image archive",
      );
    return Buffer.alloc(sizeBytes);
  }

  #data(bytes: Buffer, offset: number): void {
    if (this.#ingest !== undefined) {
      this.#ingest.write(bytes);
      this.#tally.write(bytes);
    } else if (this.#document !== undefined) bytes.copy(this.#document, offset);
  }

  #end(entry: TarEntry): void {
    const path = normalize(entry.path);
    if (this.#document !== undefined) this.#documents.set(path, this.#document);
    this.#document = undefined;
    if (this.#ingest === undefined) return;
    const digest = digestOfName(path);
    const blob = this.#ingest.commit("application/octet-stream", digest === undefined ? {} : { digest });
    this.#blobs.set(path, blob);
    const fileBytes = this.#tally.end();
    if (fileBytes !== undefined) this.#records.setFileBytes(blob.digest, fileBytes);
    this.#ingest = undefined;
  }

  findDocument(path: string): Buffer | undefined {
    return this.#documents.get(this.#follow(path));
  }

  has(path: string): boolean {
    const name = this.#follow(path);
    return this.#blobs.has(name) || this.#documents.has(name);
  }

  getBlob(path: string): Descriptor {
    const name = this.#follow(path);
    const document = this.#documents.get(name);
    const blob =
      this.#blobs.get(name) ?? (document && this.#content.put(document, "application/octet-stream"));
    if (blob !== undefined) return blob;
    throw new LighterError(
      "IMAGE_INVALID",
      `cannot load the archive: it names "${path}" but does not hold it`,
    );
  }

  #follow(path: string): string {
    let name = normalize(path);
    for (let links = 0; links < 8; links += 1) {
      const target = this.#links.get(name);
      if (target === undefined) break;
      name = target;
    }
    return name;
  }

  [Symbol.dispose](): void {
    this.#ingest?.[Symbol.dispose]();
  }
}

function normalize(path: string): string {
  return posix.normalize(`/${path}`).slice(1).replace(/\/$/, "");
}

function digestOfName(path: string): Digest | undefined {
  const match = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(path);
  const digest = `sha256:${match?.[1] ?? ""}`;
  return isDigest(digest) ? digest : undefined;
}
