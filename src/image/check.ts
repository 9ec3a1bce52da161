import { errorMessage, LighterError } from "#base";
import { type Descriptor, type Digest, Digester } from "#oci";
import type { LayerParts } from "./commit-layer.ts";
import { isAttestation, isIndex, readConfig, readManifest } from "./documents.ts";
import { FileTally } from "./file-tally.ts";
import type { IndexEntry } from "./image-index.ts";
import type { Fault } from "./image-store.ts";
import { storedTar } from "./layer-tar.ts";
import { listDescriptors } from "./platform-choice.ts";

/** See `ImageStore.check`. */
export async function checkImages(
  parts: LayerParts,
  entries: readonly IndexEntry[],
): Promise<readonly Fault[]> {
  const faults: Fault[] = [];
  const seen = new Set<Digest>();
  for (const { target, name } of entries) {
    if (seen.has(target.digest)) continue;
    seen.add(target.digest);
    try {
      // An index may name manifests of platforms that were never fetched.
      for (const descriptor of listDescriptors(parts.content, target))
        if (descriptor === target || parts.content.has(descriptor.digest))
          await checkTarget(parts, descriptor);
    } catch (error) {
      faults.push({ image: name ?? target.digest, message: errorMessage(error) });
    }
  }
  return faults;
}

async function checkTarget(parts: LayerParts, target: Descriptor): Promise<void> {
  if (isIndex(target)) return;
  if (!isAttestation(target)) return await checkImage(parts, target.digest);
  const { config, layers } = readManifest(parts.content, target.digest);
  for (const { digest } of [config, ...layers])
    for (const _chunk of parts.content.readChunks(digest)) await Promise.resolve();
}

/**
 * Reads everything of an image. With `trustStored` a layer whose digest is its diffID is not read again: it was verified
 * when it was stored a moment ago.
 * @throws when a blob is missing or damaged, or a layer is not what the config says
 */
export async function checkImage(
  parts: Pick<LayerParts, "content" | "records" | "host">,
  digest: Digest,
  options: { readonly trustStored?: boolean } = {},
): Promise<void> {
  const manifest = readManifest(parts.content, digest);
  const diffIds = readConfig(parts.content, manifest.config.digest).rootfs.diff_ids;
  if (diffIds.length !== manifest.layers.length)
    throw invalid(
      digest,
      `it names ${manifest.layers.length} layers and ${diffIds.length} of them in its config`,
    );
  for (const [place, layer] of manifest.layers.entries()) {
    if (
      options.trustStored &&
      layer.digest === diffIds[place] &&
      parts.content.findSize(layer.digest) === layer.size
    )
      continue;
    const digester = new Digester();
    const tally = new FileTally();
    for await (const chunk of storedTar(parts, layer)) {
      digester.update(chunk);
      tally.write(chunk);
    }
    if (digester.digest() !== diffIds[place])
      throw invalid(
        digest,
        `its layer ${layer.digest} does not hold what its config says (${diffIds[place]})`,
      );
    const fileBytes = tally.end();
    if (fileBytes !== undefined) parts.records.setFileBytes(layer.digest, fileBytes);
  }
}

function invalid(digest: Digest, why: string): LighterError {
  return new LighterError("IMAGE_INVALID", `cannot use image "${digest}": ${why}`, { details: { digest } });
}
