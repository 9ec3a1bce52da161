import { LighterError } from "#base";
import type { ContentReader } from "#content";
import { type Descriptor, type Digest, type Platform, parsePlatform } from "#oci";
import { isAttestation, isIndex, readIndex } from "./documents.ts";
import { findForPlatform } from "./transfer/choose-platform.ts";

/** Indexes nest no deeper in anything that tools write. */
const depthLimit = 4;

/**
 * The image that a descriptor of the store stands for: of an index the manifest for `platform`, without one that for this
 * machine, else the first; of several the first whose blob is in the store.
 */
export function findManifest(
  content: ContentReader,
  target: Descriptor,
  platform?: Platform,
): Descriptor | undefined {
  if (!isIndex(target)) return target;
  const all = listDescriptors(content, target).filter(
    (descriptor) => !isIndex(descriptor) && !isAttestation(descriptor),
  );
  const stored = all.filter(({ digest }) => content.has(digest));
  const fits = (wanted: Platform): Descriptor | undefined => findForPlatform(stored, wanted);
  if (platform !== undefined) return fits(platform);
  return fits(parsePlatform(process.arch)) ?? stored[0] ?? all[0];
}

/** A manifest or an index with every manifest and index below it, in order; what the store does not hold has none below. */
export function listDescriptors(
  content: ContentReader,
  target: Descriptor,
  depth = 0,
): readonly Descriptor[] {
  if (!isIndex(target) || !content.has(target.digest)) return [target];
  if (depth === depthLimit) throw tooDeep(target.digest);
  const { manifests } = readIndex(content, target.digest);
  return [target, ...manifests.flatMap((manifest) => listDescriptors(content, manifest, depth + 1))];
}

function tooDeep(digest: Digest): LighterError {
  return new LighterError("IMAGE_INVALID", `cannot use image "${digest}": its indexes nest too deep`);
}
