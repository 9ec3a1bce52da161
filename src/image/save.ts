import { formatTarHeader, tarEnd, tarEntry, tarPadding } from "#archive";
import type { ContentReader } from "#content";
import {
  type Descriptor,
  type Digest,
  encoded,
  familiarReference,
  formatReference,
  type Index,
  type Manifest,
  mediaTypes,
  type Reference,
} from "#oci";
import type { LayerParts } from "./commit-layer.ts";
import { formLayer } from "./compress-layer.ts";
import { isIndex, readManifest } from "./documents.ts";
import { nameAnnotations } from "./image-index.ts";
import type { ArchiveItem, Image, SaveItem, SaveOptions } from "./image-store.ts";
import { findManifest, listDescriptors } from "./platform-choice.ts";

/** Writes images as a tar archive, in the form that is asked for. */
export async function* saveArchive(
  parts: LayerParts,
  items: readonly SaveItem[],
  options: SaveOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const targets: ArchiveItem[] = [];
  for (const { image, names } of merge(items))
    targets.push({ target: await targetOf(parts, image, options), names });
  yield* archiveTargets(parts, targets, { format: options.format, annotate: nameAnnotations });
}

/** One row an image, with all names that were asked for. */
function merge(items: readonly SaveItem[]): readonly { image: Image; names: readonly Reference[] }[] {
  const merged = new Map<Digest, { image: Image; names: Reference[] }>();
  for (const { image, name } of items) {
    const { digest } = image.index ?? image.target;
    const row = merged.get(digest) ?? { image, names: [] };
    if (name !== undefined) row.names.push(name);
    merged.set(digest, row);
  }
  return [...merged.values()];
}

async function targetOf(parts: LayerParts, image: Image, options: SaveOptions): Promise<Descriptor> {
  if (options.compression !== "gzip") return image.index ?? image.target;
  const layers: Descriptor[] = [];
  for (const layer of image.manifest.layers)
    layers.push(await formLayer(parts, layer, { compression: "gzip" }));
  const manifest: Manifest = { ...image.manifest, layers };
  const stored = parts.content.put(JSON.stringify(manifest), image.target.mediaType);
  return { ...image.target, digest: stored.digest, size: stored.size };
}

/**
 * Writes manifests and indexes as a tar archive: small documents first, then every blob once. The docker form is an OCI
 * layout too, with docker's manifest.json and repositories beside it, as docker itself has saved since version 25.
 * @see https://github.com/moby/docker-image-spec/blob/v1.3.1/v1.2.md#combined-image-json--filesystem-changeset-format
 */
export async function* archiveTargets(
  { content }: Pick<LayerParts, "content">,
  items: readonly ArchiveItem[],
  { format, annotate }: { readonly format: SaveOptions["format"]; readonly annotate: typeof nameAnnotations },
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* document("oci-layout", '{"imageLayoutVersion":"1.0.0"}');
  yield* document("index.json", JSON.stringify(indexOf(items, annotate)));
  if (format === "docker") {
    const rows = items.map(({ target, names }) => ({ manifest: manifestOf(content, target), names }));
    yield* document("manifest.json", JSON.stringify(rows.map(dockerManifest)));
    yield* document("repositories", JSON.stringify(repositoriesOf(rows)));
  }
  for (const digest of blobsOf(content, items)) yield* saveBlob(content, digest);
  yield tarEnd;
}

function indexOf(items: readonly ArchiveItem[], annotate: typeof nameAnnotations): Index {
  const manifests = items.flatMap(({ target, names }): readonly Descriptor[] =>
    names.length === 0
      ? [target]
      : names.map((name) => ({
          ...target,
          annotations: { ...target.annotations, ...annotate(formatReference(name)) },
        })),
  );
  return { schemaVersion: 2, mediaType: mediaTypes.index, manifests };
}

/** The image that docker's own form can tell of: one for one name. */
function manifestOf(content: ContentReader, target: Descriptor): Manifest {
  return readManifest(content, (findManifest(content, target) ?? target).digest);
}

interface DockerRow {
  readonly manifest: Manifest;
  readonly names: readonly Reference[];
}

function dockerManifest({ manifest, names }: DockerRow): unknown {
  return {
    Config: blobName(manifest.config.digest),
    RepoTags: names.length === 0 ? null : names.map(familiarReference),
    Layers: manifest.layers.map((layer) => blobName(layer.digest)),
  };
}

/** What docker before version 1.10 read; some tools still want it. */
function repositoriesOf(rows: readonly DockerRow[]): Record<string, Record<string, string>> {
  const repositories: Record<string, Record<string, string>> = {};
  for (const { manifest, names } of rows) {
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

/** Every blob that the items lead to, once; of an index what the store holds. */
function blobsOf(content: ContentReader, items: readonly ArchiveItem[]): ReadonlySet<Digest> {
  const blobs = new Set<Digest>();
  for (const { target } of items)
    for (const descriptor of listDescriptors(content, target)) {
      if (!content.has(descriptor.digest) && descriptor !== target) continue;
      blobs.add(descriptor.digest);
      if (isIndex(descriptor)) continue;
      const manifest = readManifest(content, descriptor.digest);
      for (const { digest } of [manifest.config, ...manifest.layers]) blobs.add(digest);
    }
  return blobs;
}

async function* saveBlob(
  content: ContentReader,
  digest: Digest,
): AsyncGenerator<Uint8Array, void, undefined> {
  const sizeBytes = content.findSize(digest) ?? 0;
  yield formatTarHeader(tarEntry({ path: blobName(digest), sizeBytes }));
  for await (const chunk of content.open(digest)) yield chunk;
  yield tarPadding(sizeBytes);
}

function* document(path: string, contents: string): Generator<Uint8Array, void, undefined> {
  const bytes = Buffer.from(contents);
  yield formatTarHeader(tarEntry({ path, sizeBytes: bytes.length }));
  yield bytes;
  yield tarPadding(bytes.length);
}

function blobName(digest: Digest): string {
  return `blobs/sha256/${encoded(digest)}`;
}
