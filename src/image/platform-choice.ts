import { LighterError } from "#base";
import type { ContentReader } from "#content";
import { type Descriptor, mediaTypes, parsePlatform, samePlatform } from "#oci";
import { isDescriptor, isRecord } from "./documents.ts";

/** Indexes nest no deeper in anything that tools write. */
const depthLimit = 4;

/** The manifests that a descriptor stands for: itself, or of an index those for this machine, else the first. */
export function chooseManifests(
  content: ContentReader,
  descriptor: Descriptor,
  depth = 0,
): readonly Descriptor[] {
  if (descriptor.mediaType !== mediaTypes.index && descriptor.mediaType !== mediaTypes.dockerManifestList)
    return [descriptor];
  if (depth === depthLimit) throw invalid(descriptor);
  const manifests = manifestsOf(content, descriptor).filter((manifest) => !isAttestation(manifest));
  const here = parsePlatform(process.arch);
  const matching = manifests.filter(
    (manifest) => manifest.platform !== undefined && samePlatform(manifest.platform, here),
  );
  const chosen = matching.length > 0 ? matching : manifests.slice(0, 1);
  return chosen.flatMap((manifest) => chooseManifests(content, manifest, depth + 1));
}

function manifestsOf(content: ContentReader, { digest, ...rest }: Descriptor): readonly Descriptor[] {
  const index: unknown = JSON.parse(Buffer.from(content.read(digest)).toString());
  const manifests = isRecord(index) ? index["manifests"] : undefined;
  if (!Array.isArray(manifests) || !manifests.every(isDescriptor)) throw invalid({ digest, ...rest });
  return manifests as readonly Descriptor[];
}

function isAttestation(descriptor: Descriptor): boolean {
  return descriptor.annotations?.["vnd.docker.reference.type"] === "attestation-manifest";
}

function invalid(descriptor: Descriptor): LighterError {
  return new LighterError(
    "IMAGE_INVALID",
    `cannot load image "${descriptor.digest}": its index is malformed`,
  );
}
