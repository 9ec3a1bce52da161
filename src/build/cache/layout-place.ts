import {
  closeSync,
  createReadStream,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { LighterError } from "#base";
import type { ImageSource, ImageTarget } from "#image";
import { type Descriptor, type Digest, Digester, digestOf, encoded, type Index, mediaTypes } from "#oci";

const tagAnnotation = "org.opencontainers.image.ref.name";

/** A directory in the form of an OCI image layout, as a place to read from. */
export function layoutSource(directory: string, tag: string): ImageSource {
  return {
    description: directory,
    async getTop() {
      const descriptor = findTag(readIndex(directory), tag);
      if (descriptor === undefined)
        throw new LighterError(
          "MANIFEST_NOT_FOUND",
          `cannot read "${directory}": it holds nothing called ${tag}`,
        );
      return { descriptor, bytes: readDocument(directory, descriptor) };
    },
    getManifest: async (descriptor) => readDocument(directory, descriptor),
    readBlob: ({ digest }, { offsetBytes }) =>
      createReadStream(blobPath(directory, digest), { start: offsetBytes }) as AsyncIterable<Buffer>,
    repositoriesOf: () => [],
  };
}

/** A directory as a place to write to: what it holds already is not written again. */
export function layoutTarget(directory: string, tag: string): ImageTarget {
  return {
    description: directory,
    width: 1,
    findTop: async () => undefined,
    async putBlob({ digest, size }, { read }) {
      const path = blobPath(directory, digest);
      if (statSync(path, { throwIfNoEntry: false })?.size === size) return "existed";
      await writeVerified(path, digest, read(0));
      return "stored";
    },
    async putManifest({ descriptor, bytes }) {
      await writeVerified(blobPath(directory, descriptor.digest), descriptor.digest, [bytes]);
    },
    async finish({ descriptor }) {
      const others = readIndex(directory).manifests.filter(
        ({ annotations }) => annotations?.[tagAnnotation] !== tag,
      );
      const { annotations, ...row } = descriptor;
      const manifests = [...others, { ...row, annotations: { ...annotations, [tagAnnotation]: tag } }];
      writeWhole(join(directory, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
      const index: Index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests };
      writeWhole(join(directory, "index.json"), JSON.stringify(index));
    },
  };
}

function blobPath(directory: string, digest: Digest): string {
  return join(directory, "blobs", "sha256", encoded(digest));
}

function readIndex(directory: string): Index {
  const path = join(directory, "index.json");
  if (!existsSync(path)) return { schemaVersion: 2, manifests: [] };
  return JSON.parse(readFileSync(path, "utf8")) as Index;
}

/** A layout with one row needs no tag. */
function findTag({ manifests }: Index, tag: string): Descriptor | undefined {
  const named = manifests.find(({ annotations }) => annotations?.[tagAnnotation] === tag);
  return named ?? (manifests.length === 1 ? manifests[0] : undefined);
}

const largestDocumentBytes = 64 << 20;

function readDocument(directory: string, { digest, size }: Descriptor): Uint8Array {
  const path = blobPath(directory, digest);
  const found = statSync(path, { throwIfNoEntry: false })?.size;
  if (found !== size || size > largestDocumentBytes)
    throw new LighterError("BLOB_NOT_FOUND", `cannot read "${path}": it is missing or of another size`);
  const bytes = readFileSync(path);
  if (digestOf(bytes) !== digest)
    throw new LighterError("DIGEST_MISMATCH", `cannot read "${path}": it does not hold what its name says`);
  return bytes;
}

async function writeVerified(
  path: string,
  digest: Digest,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<void> {
  mkdirSync(join(path, ".."), { recursive: true });
  const partial = `${path}.${process.pid}.partial`;
  const fd = openSync(partial, "w", 0o644);
  const digester = new Digester();
  try {
    for await (const chunk of chunks) {
      digester.update(chunk);
      for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
    }
  } finally {
    closeSync(fd);
  }
  if (digester.digest() !== digest)
    throw new LighterError("DIGEST_MISMATCH", `cannot write "${path}": the bytes are not the digest's`);
  renameSync(partial, path);
}

function writeWhole(path: string, text: string): void {
  writeFileSync(`${path}.${process.pid}`, text);
  renameSync(`${path}.${process.pid}`, path);
}
