import { errorMessage, LighterError } from "#base";
import { chainId, type Descriptor, type Digest, Digester } from "#oci";
import type { SnapshotName } from "#snapshot";
import type { LayerParts } from "./commit-layer.ts";
import { isAttestation, isIndex, readConfig, readManifest } from "./documents.ts";
import { FileTally } from "./file-tally.ts";
import type { IndexEntry } from "./image-index.ts";
import type { Fault } from "./image-store.ts";
import { storedTar } from "./layer-tar.ts";
import { listDescriptors } from "./platform-choice.ts";
import { TreeCheck } from "./tree-check.ts";

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
  if (!isAttestation(target)) return await checkImage(parts, target.digest, { trees: parts.snapshots });
  const { config, layers } = readManifest(parts.content, target.digest);
  for (const { digest } of [config, ...layers])
    for (const _chunk of parts.content.readChunks(digest)) await Promise.resolve();
}

/**
 * Reads everything of an image. With `trustStored` a layer whose digest is its diffID is not read again: it was verified
 * when it was stored a moment ago. With `trees` what the layers are laid out to is read too, and set aside when it differs.
 * @throws when a blob is missing or damaged, or a layer is not what the config says, or its tree not what the layer says
 */
export async function checkImage(
  parts: Pick<LayerParts, "content" | "records" | "host">,
  digest: Digest,
  options: { readonly trustStored?: boolean; readonly trees?: LayerParts["snapshots"] } = {},
): Promise<void> {
  const manifest = readManifest(parts.content, digest);
  const diffIds = readConfig(parts.content, manifest.config.digest).rootfs.diff_ids;
  if (diffIds.length !== manifest.layers.length)
    throw invalid(
      digest,
      `it names ${manifest.layers.length} layers and ${diffIds.length} of them in its config`,
    );
  for (const [place, layer] of manifest.layers.entries()) {
    const tree = options.trees && findTree(options.trees, diffIds.slice(0, place + 1));
    const check = tree === undefined ? undefined : new TreeCheck(tree.path, parts.host);
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
      check?.write(chunk);
    }
    if (digester.digest() !== diffIds[place])
      throw invalid(
        digest,
        `its layer ${layer.digest} does not hold what its config says (${diffIds[place]})`,
      );
    const fileBytes = tally.end();
    if (fileBytes !== undefined) parts.records.setFileBytes(layer.digest, fileBytes);
    const path = check?.end();
    if (tree !== undefined && path !== undefined) {
      options.trees?.setAside(tree.name);
      throw invalid(
        digest,
        `what its layer ${layer.digest} is laid out to differs at "${path}"; it was set aside, and is made again when it is needed`,
      );
    }
  }
}

/** Where the layers up to one are laid out, when they are as a whole. */
function findTree(
  snapshots: LayerParts["snapshots"],
  diffIds: readonly Digest[],
): { readonly name: SnapshotName; readonly path: string } | undefined {
  const chain = chainId(diffIds);
  const name = chain === undefined ? undefined : snapshots.find(chain);
  if (name === undefined || snapshots.deferredLayer(name) !== undefined) return undefined;
  return { name, path: snapshots.changes(name) };
}

function invalid(digest: Digest, why: string): LighterError {
  return new LighterError("IMAGE_INVALID", `cannot use image "${digest}": ${why}`, { details: { digest } });
}
