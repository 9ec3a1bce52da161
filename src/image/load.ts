import { errorMessage, LighterError } from "#base";
import type { ContentReader } from "#content";
import {
  type Descriptor,
  type Digest,
  encoded,
  familiarReference,
  type Manifest,
  mediaTypes,
  normalizePlatform,
  type Platform,
  parseReference,
  type Reference,
} from "#oci";
import { type ArchiveFiles, readArchive } from "./archive-files.ts";
import { checkImage } from "./check.ts";
import type { LayerParts } from "./commit-layer.ts";
import { layerTypeOf } from "./compression.ts";
import { isAttestation, isDescriptor, isIndex, isRecord, readConfig, readManifest } from "./documents.ts";
import { nameOf } from "./image-index.ts";
import type { LoadOptions } from "./image-store.ts";
import { listDescriptors } from "./platform-choice.ts";
import { type NewImage, storeManifest } from "./store-documents.ts";
import { chooseForPlatform } from "./transfer/choose-platform.ts";

/** An image of an archive, stored but not yet named. */
export interface LoadedImage {
  readonly image: NewImage;
  readonly names: readonly Reference[];
  /** Of an index what the archive holds of it; else the one. */
  readonly manifests: readonly Descriptor[];
}

/** See `ImageStore.load`. An archive that is both forms is read as OCI, which keeps manifests and their digests. */
export async function loadArchive(
  parts: LayerParts,
  archive: AsyncIterable<Uint8Array>,
  options: LoadOptions,
): Promise<readonly LoadedImage[]> {
  const files = await readArchive(parts, archive, options);
  const docker = readJson(files, "manifest.json");
  const index = readJson(files, "index.json");
  const images =
    index !== undefined
      ? loadOci(parts, files, index)
      : docker !== undefined
        ? loadDocker(parts, files, docker)
        : undefined;
  if (images === undefined || images.length === 0)
    throw new LighterError(
      "IMAGE_INVALID",
      "cannot load the archive: it holds neither an OCI layout nor what docker save writes",
    );
  const { platform } = options;
  const named = index === undefined ? images : withDockerNames(parts, images, docker);
  const chosen = platform === undefined ? named : named.map((each) => forPlatform(parts, each, platform));
  for (const { manifests } of chosen)
    for (const { digest } of manifests) await checkImage(parts, digest, { trustStored: true });
  return chosen;
}

/** Of an index the manifest for the platform, in its place. */
function forPlatform({ content }: LayerParts, loaded: LoadedImage, wanted: Platform): LoadedImage {
  const [name] = loaded.names;
  const what = name === undefined ? loaded.image.target.digest : familiarReference(name);
  const found = chooseForPlatform(
    loaded.manifests.map((manifest) => withPlatform(content, manifest)),
    wanted,
    what,
  );
  const { platform: _, annotations: __, ...target } = found;
  return { ...loaded, image: { target }, manifests: [target] };
}

/** What an index says of a manifest's platform, or what its config says. */
function withPlatform(content: ContentReader, manifest: Descriptor): Descriptor {
  if (manifest.platform !== undefined) return manifest;
  const { os, architecture, variant } = readConfig(
    content,
    readManifest(content, manifest.digest).config.digest,
  );
  return {
    ...manifest,
    platform: normalizePlatform({ os, architecture, ...(variant !== undefined && { variant }) }),
  };
}

function loadOci(parts: LayerParts, files: ArchiveFiles, index: unknown): readonly LoadedImage[] {
  const byDigest = new Map<Digest, LoadedImage & { readonly names: Reference[] }>();
  for (const descriptor of descriptorsOf(index)) {
    const { annotations = {}, ...target } = descriptor;
    files.getBlob(pathOf(descriptor));
    const manifests = manifestsOf(parts, files, descriptor);
    const row = byDigest.get(target.digest) ?? {
      image: { target },
      names: new Array<Reference>(),
      manifests,
    };
    const name = nameOf(annotations);
    if (name !== undefined) row.names.push(parseReference(name));
    byDigest.set(target.digest, row);
  }
  return [...byDigest.values()];
}

/** The images below a descriptor that the archive holds; an archive need not hold all platforms of an index. */
function manifestsOf(parts: LayerParts, files: ArchiveFiles, descriptor: Descriptor): readonly Descriptor[] {
  for (const each of listDescriptors(parts.content, descriptor))
    if (files.has(pathOf(each))) files.getBlob(pathOf(each));
  const held = listDescriptors(parts.content, descriptor).filter(
    (each) => !isIndex(each) && !isAttestation(each) && files.has(pathOf(each)),
  );
  if (held.length > 0) return held;
  throw new LighterError(
    "IMAGE_INVALID",
    `cannot load the archive: it holds no image of its index ${descriptor.digest}`,
  );
}

function pathOf({ digest }: Descriptor): string {
  return `blobs/sha256/${encoded(digest)}`;
}

function descriptorsOf(index: unknown): readonly Descriptor[] {
  const manifests = isRecord(index) ? index["manifests"] : undefined;
  if (!Array.isArray(manifests) || !manifests.every(isDescriptor))
    throw new LighterError("IMAGE_INVALID", "cannot load the archive: its index.json is no OCI index");
  return manifests as readonly Descriptor[];
}

/** One row of docker's manifest.json. */
interface DockerItem {
  readonly Config: string;
  readonly RepoTags?: readonly string[] | null;
  readonly Layers: readonly string[];
}

function dockerItems(value: unknown): readonly DockerItem[] {
  const isItem = (item: unknown): boolean =>
    isRecord(item) &&
    typeof item["Config"] === "string" &&
    Array.isArray(item["Layers"]) &&
    item["Layers"].every((layer) => typeof layer === "string");
  if (!Array.isArray(value) || !value.every(isItem))
    throw new LighterError("IMAGE_INVALID", "cannot load the archive: its manifest.json is not docker's");
  return value as readonly DockerItem[];
}

function loadDocker(parts: LayerParts, files: ArchiveFiles, value: unknown): readonly LoadedImage[] {
  return dockerItems(value).map((item) => {
    const config = { ...files.getBlob(item.Config), mediaType: mediaTypes.config };
    const manifest: Manifest = {
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config,
      layers: item.Layers.map((path) => layerOf(parts, files.getBlob(path))),
    };
    const image = storeManifest(parts.content, manifest, readConfig(parts.content, config.digest));
    return { image, names: (item.RepoTags ?? []).map(parseReference), manifests: [image.target] };
  });
}

/** Docker's archives do not say how a layer is compressed; its first bytes do. */
function layerOf({ content }: LayerParts, blob: Descriptor): Descriptor {
  const [first] = content.readChunks(blob.digest);
  return { ...blob, mediaType: layerTypeOf(first) };
}

/** Docker before version 27 leaves the names out of index.json. */
function withDockerNames(
  parts: LayerParts,
  images: readonly LoadedImage[],
  docker: unknown,
): readonly LoadedImage[] {
  if (docker === undefined) return images;
  const items = dockerItems(docker);
  return images.map((loaded) => {
    if (loaded.names.length > 0) return loaded;
    const configs = loaded.manifests.map(({ digest }) => encoded(configDigest(parts, digest)));
    const item = items.find(({ Config }) => configs.some((config) => Config.includes(config)));
    return { ...loaded, names: (item?.RepoTags ?? []).map(parseReference) };
  });
}

function configDigest({ content }: LayerParts, digest: Digest): Digest {
  const manifest = JSON.parse(Buffer.from(content.read(digest)).toString()) as Manifest;
  return manifest.config.digest;
}

function readJson(files: ArchiveFiles, path: string): unknown {
  const bytes = files.findDocument(path);
  if (bytes === undefined) return undefined;
  try {
    return JSON.parse(bytes.toString());
  } catch (error) {
    throw new LighterError(
      "IMAGE_INVALID",
      `cannot load the archive: its ${path} is no JSON (${errorMessage(error)})`,
    );
  }
}
