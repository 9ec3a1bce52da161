import type { BuildOutcome } from "#build";
import { formatReference } from "#oci";
import type { BuildResult } from "./options.ts";

/** What a caller is told of a build that ended well. */
export function buildResult({ image, written }: BuildOutcome): BuildResult {
  const names = (written?.names ?? []).map(formatReference);
  return {
    names,
    metadata: metadataOf(written, names),
    ...(written?.config !== undefined && { imageId: written.config }),
    ...(written !== undefined && { digest: written.descriptor.digest }),
    ...(image !== undefined && { sizeBytes: image.sizeBytes }),
  };
}

/** Keys and values are BuildKit's. @see https://docs.docker.com/reference/cli/docker/buildx/build/#metadata-file */
function metadataOf(
  written: BuildOutcome["written"],
  names: readonly string[],
): Readonly<Record<string, unknown>> {
  if (written === undefined) return {};
  const { descriptor, config, provenance } = written;
  const attested = Object.entries(provenance);
  const isOne = attested.length === 1;
  return {
    ...Object.fromEntries(
      attested.map(([platform, body]) => [`buildx.build.provenance${isOne ? "" : `/${platform}`}`, body]),
    ),
    ...(config !== undefined && { "containerimage.config.digest": config }),
    "containerimage.descriptor": descriptor,
    "containerimage.digest": descriptor.digest,
    ...(names.length > 0 && { "image.name": names.join(",") }),
  };
}
