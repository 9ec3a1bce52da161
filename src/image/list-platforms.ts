import { isLighterError } from "#base";
import type { ContentReader } from "#content";
import { type Descriptor, type Digest, type Manifest, normalizePlatform, type Platform } from "#oci";
import { isAttestation, isIndex, readConfig, readManifest } from "./documents.ts";
import type { Image } from "./image-store.ts";
import { listDescriptors } from "./platform-choice.ts";

/** One platform that an image's name leads to. */
export interface ImagePlatform {
  readonly platform: Platform;
  /** Of its manifest. */
  readonly digest: Digest;
  /** {@link Image.id}; undefined when the store does not hold the manifest. */
  readonly imageId: Digest | undefined;
  /** Length of what the store holds of it; undefined when it does not hold it whole. */
  readonly sizeBytes: number | undefined;
}

/** The platforms of an index in its order; of an image that stands alone its own. */
export function listPlatforms(content: ContentReader, image: Image): readonly ImagePlatform[] {
  return listDescriptors(content, image.index ?? image.target)
    .filter((each) => !isIndex(each) && !isAttestation(each))
    .map((each) => {
      const manifest = content.has(each.digest) ? readManifest(content, each.digest) : undefined;
      return {
        platform: each.platform ?? platformOf(content, each) ?? image.config,
        digest: each.digest,
        imageId: manifest?.config.digest,
        sizeBytes: manifest === undefined ? undefined : storedBytes(content, manifest),
      };
    });
}

function platformOf(content: ContentReader, { digest }: Descriptor): Platform | undefined {
  if (!content.has(digest)) return undefined;
  try {
    const { os, architecture, variant } = readConfig(content, readManifest(content, digest).config.digest);
    return normalizePlatform({ os, architecture, ...(variant !== undefined && { variant }) });
  } catch (error) {
    if (isLighterError(error)) return undefined;
    throw error;
  }
}

function storedBytes(content: ContentReader, { config, layers }: Manifest): number | undefined {
  const sizes = [config, ...layers].map((blob) => content.findSize(blob.digest));
  return sizes.every((size) => size !== undefined) ? sizes.reduce((sum, size) => sum + size, 0) : undefined;
}
