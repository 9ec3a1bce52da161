import { LighterError } from "#base";
import { compatiblePlatforms, type Descriptor, formatPlatform, type Platform, samePlatform } from "#oci";
import { isAttestation } from "../documents.ts";

/** The manifest of an index that runs best on `wanted`; a single one that names no platform is taken as it is. */
export function findForPlatform(manifests: readonly Descriptor[], wanted: Platform): Descriptor | undefined {
  const candidates = manifests.filter((manifest) => !isAttestation(manifest));
  for (const platform of compatiblePlatforms(wanted)) {
    const found = candidates.find(
      (each) => each.platform !== undefined && samePlatform(each.platform, platform),
    );
    if (found !== undefined) return found;
  }
  const [only, ...others] = candidates;
  return others.length === 0 && only?.platform === undefined ? only : undefined;
}

/** @throws PLATFORM_NOT_FOUND with the platforms there are */
export function chooseForPlatform(
  manifests: readonly Descriptor[],
  wanted: Platform,
  image: string,
): Descriptor {
  const found = findForPlatform(manifests, wanted);
  if (found !== undefined) return found;
  const offered = manifests
    .filter((manifest) => !isAttestation(manifest))
    .flatMap(({ platform }) => (platform === undefined ? [] : [formatPlatform(platform)]));
  throw new LighterError(
    "PLATFORM_NOT_FOUND",
    `cannot use "${image}" on ${formatPlatform(wanted)}: it exists for ${offered.join(", ") || "no platform"}; choose one of these with --platform`,
    { details: { image, wanted: formatPlatform(wanted), offered } },
  );
}
