import type { OnProgress } from "#base";
import type { ContentStore } from "#content";
import { copyImage, type ImageStore, type ImageTarget, registryTarget } from "#image";
import { type Descriptor, type Manifest, mediaTypes } from "#oci";
import { contentSource } from "../export/push.ts";
import type { OpenRegistries } from "../ports.ts";
import { cacheArtifactType, cacheConfigType } from "./artifact.ts";
import { layoutTarget } from "./layout-place.ts";
import type { CacheTarget } from "./places.ts";
import type { PortableResults } from "./portable-records.ts";

export interface ExportParts {
  readonly content: ContentStore;
  readonly images: ImageStore;
  readonly registries: OpenRegistries;
  readonly onProgress: OnProgress;
  readonly signal: AbortSignal | undefined;
}

/** Writes results as an OCI artifact to where they are wanted. */
export async function exportCache(
  results: PortableResults,
  target: Exclude<CacheTarget, { readonly kind: "inline" }>,
  parts: ExportParts,
): Promise<void> {
  const descriptor = await storeArtifact(results, target, parts);
  const place = await placeOf(target, parts);
  await copyImage(contentSource(parts.content, descriptor, place.description), place, {
    platform: "all",
    verb: "copy",
    onProgress: parts.onProgress,
    ...(parts.signal !== undefined && { signal: parts.signal }),
  });
}

async function placeOf(
  target: Exclude<CacheTarget, { readonly kind: "inline" }>,
  { registries }: ExportParts,
): Promise<ImageTarget> {
  if (target.kind === "local") return layoutTarget(target.directory, target.tag);
  const { reference, insecure } = target;
  return registryTarget(await registries(insecure ? [reference.registry] : []), reference);
}

async function storeArtifact(
  { layers, document }: PortableResults,
  { compression }: CacheTarget,
  { content, images }: ExportParts,
): Promise<Descriptor> {
  const formed: Descriptor[] = [];
  for (const { descriptor } of layers) formed.push(await images.formLayer(descriptor, { compression }));
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    artifactType: cacheArtifactType,
    config: content.put(JSON.stringify(document), cacheConfigType),
    layers: formed,
  };
  return content.put(JSON.stringify(manifest), mediaTypes.manifest);
}
