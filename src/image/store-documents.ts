import { LighterError } from "#base";
import type { ContentStore } from "#content";
import { type Descriptor, type ImageConfig, type Manifest, mediaTypes, normalizePlatform } from "#oci";
import { formatConfig } from "./documents.ts";
import type { ImageStore } from "./image-store.ts";

/** A manifest in the content store that the index does not name yet. */
export interface NewImage {
  readonly target: Descriptor;
}

type CreateOptions = Parameters<ImageStore["create"]>[0];

/** Writes the config and the manifest of a new image. @throws IMAGE_INVALID, BLOB_NOT_FOUND */
export function storeDocuments(content: ContentStore, options: CreateOptions): NewImage {
  for (const { descriptor } of options.layers)
    if (!content.has(descriptor.digest))
      throw new LighterError(
        "BLOB_NOT_FOUND",
        `cannot create image: its layer ${descriptor.digest} is not in the store; build it again`,
      );
  checkHistory(options.config, options.layers.length);
  const rootfs = { type: "layers", diff_ids: options.layers.map((layer) => layer.diffId) } as const;
  const config = content.put(formatConfig({ ...options.config, rootfs }), mediaTypes.config);
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config,
    layers: options.layers.map((layer) => layer.descriptor),
    ...(options.annotations && { annotations: options.annotations }),
  };
  return storeManifest(content, manifest, options.config);
}

/** Writes a manifest whose config is in the store. */
export function storeManifest(content: ContentStore, manifest: Manifest, config: ImageConfig): NewImage {
  const target = content.put(JSON.stringify(manifest), manifest.mediaType ?? mediaTypes.manifest);
  return { target: { ...target, platform: platformOf(config) } };
}

function platformOf(config: ImageConfig): NonNullable<Descriptor["platform"]> {
  const { os, architecture, variant } = config;
  return normalizePlatform({ os, architecture, ...(variant !== undefined && { variant }) });
}

/** History may be absent; when it is there, each line that made a layer has one. */
function checkHistory(config: ImageConfig, layers: number): void {
  if (config.history === undefined || config.history.length === 0) return;
  const made = config.history.filter((line) => line.empty_layer !== true).length;
  if (made !== layers)
    throw new LighterError(
      "IMAGE_INVALID",
      `cannot create image: its history tells of ${made} layers, it has ${layers}`,
    );
}
