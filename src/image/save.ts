import { formatTarHeader, tarEnd, tarEntry, tarPadding } from "#archive";
import {
  type Descriptor,
  type Digest,
  digestOf,
  encoded,
  familiarReference,
  formatReference,
  type Index,
  type Manifest,
  mediaTypes,
  type Reference,
} from "#oci";
import type { LayerParts } from "./commit-layer.ts";
import { gzipLayer } from "./compress-layer.ts";
import { nameAnnotations } from "./image-index.ts";
import type { Image, SaveItem, SaveOptions } from "./image-store.ts";

/** An image in the form in which it goes into the archive. */
interface Saved {
  readonly target: Descriptor;
  readonly manifest: Manifest;
  /** The manifest's bytes, when they are not those in the store. */
  readonly manifestBytes?: Buffer;
  readonly names: readonly Reference[];
}

/**
 * Writes images as a tar archive: small documents first, then every blob once. The docker form is an OCI layout too, with
 * docker's manifest.json and repositories beside it, as docker itself has saved since version 25.
 * @see https://github.com/moby/docker-image-spec/blob/v1.3.1/v1.2.md#combined-image-json--filesystem-changeset-format
 */
export async function* saveArchive(
  parts: LayerParts,
  items: readonly SaveItem[],
  options: SaveOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const images = await Promise.all(merge(items).map((item) => prepare(parts, item, options)));
  yield* document("oci-layout", '{"imageLayoutVersion":"1.0.0"}');
  yield* document("index.json", JSON.stringify(indexOf(images)));
  if (options.format === "docker") {
    yield* document("manifest.json", JSON.stringify(images.map(dockerManifest)));
    yield* document("repositories", JSON.stringify(repositoriesOf(images)));
  }
  yield* saveBlobs(parts, images);
  yield tarEnd;
}

/** One row an image, with all names that were asked for. */
function merge(items: readonly SaveItem[]): readonly { image: Image; names: readonly Reference[] }[] {
  const merged = new Map<Digest, { image: Image; names: Reference[] }>();
  for (const { image, name } of items) {
    const row = merged.get(image.target.digest) ?? { image, names: [] };
    if (name !== undefined) row.names.push(name);
    merged.set(image.target.digest, row);
  }
  return [...merged.values()];
}

async function prepare(
  parts: LayerParts,
  item: { readonly image: Image; readonly names: readonly Reference[] },
  options: SaveOptions,
): Promise<Saved> {
  const { image, names } = item;
  if (options.compression !== "gzip") return { target: image.target, manifest: image.manifest, names };
  const layers: Descriptor[] = [];
  for (const layer of image.manifest.layers) layers.push(await gzipLayer(parts, layer));
  const manifest: Manifest = { ...image.manifest, layers };
  const manifestBytes = Buffer.from(JSON.stringify(manifest));
  const target = { ...image.target, digest: digestOf(manifestBytes), size: manifestBytes.length };
  return { target, manifest, manifestBytes, names };
}

function indexOf(images: readonly Saved[]): Index {
  const manifests = images.flatMap(({ target, names }): readonly Descriptor[] =>
    names.length === 0
      ? [target]
      : names.map((name) => ({ ...target, annotations: nameAnnotations(formatReference(name)) })),
  );
  return { schemaVersion: 2, mediaType: mediaTypes.index, manifests };
}

function dockerManifest({ manifest, names }: Saved): unknown {
  return {
    Config: blobName(manifest.config.digest),
    RepoTags: names.length === 0 ? null : names.map(familiarReference),
    Layers: manifest.layers.map((layer) => blobName(layer.digest)),
  };
}

/** What docker before version 1.10 read; some tools still want it. */
function repositoriesOf(images: readonly Saved[]): Record<string, Record<string, string>> {
  const repositories: Record<string, Record<string, string>> = {};
  for (const { manifest, names } of images) {
    const top = manifest.layers.at(-1)?.digest;
    for (const name of names) {
      if (top === undefined || name.tag === undefined) continue;
      const { tag, digest: _, ...repository } = name;
      const tags = (repositories[familiarReference(repository)] ??= {});
      tags[tag] = encoded(top);
    }
  }
  return repositories;
}

async function* saveBlobs(
  parts: LayerParts,
  images: readonly Saved[],
): AsyncGenerator<Uint8Array, void, undefined> {
  const written = new Set<Digest>();
  for (const { target, manifest, manifestBytes } of images) {
    for (const descriptor of [target, manifest.config, ...manifest.layers]) {
      if (written.has(descriptor.digest)) continue;
      written.add(descriptor.digest);
      if (descriptor === target && manifestBytes !== undefined)
        yield* document(blobName(target.digest), manifestBytes);
      else yield* saveBlob(parts, descriptor);
    }
  }
}

async function* saveBlob(
  { content }: LayerParts,
  { digest, size }: Descriptor,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield formatTarHeader(tarEntry({ path: blobName(digest), sizeBytes: size }));
  for await (const chunk of content.open(digest)) yield chunk;
  yield tarPadding(size);
}

function* document(path: string, contents: string | Buffer): Generator<Uint8Array, void, undefined> {
  const bytes = typeof contents === "string" ? Buffer.from(contents) : contents;
  yield formatTarHeader(tarEntry({ path, sizeBytes: bytes.length }));
  yield bytes;
  yield tarPadding(bytes.length);
}

function blobName(digest: Digest): string {
  return `blobs/sha256/${encoded(digest)}`;
}
