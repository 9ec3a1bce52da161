import { LighterError } from "#base";
import type { ContentStore } from "#content";
import { formatConfig, type ImageStore } from "#image";
import {
  type Descriptor,
  type Digest,
  formatPlatform,
  type ImageConfig,
  type Index,
  type Manifest,
  mediaTypes,
  normalizePlatform,
  type Platform,
  samePlatform,
} from "#oci";
import { storeAttestations } from "../attest/attestation-manifest.ts";
import type { Statement } from "../attest/statement.ts";
import type { Annotation, ImageForm } from "./output.ts";
import type { PlatformImage } from "./platform-image.ts";

/** What is known about an image beside the image, for the manifest with this digest. */
export type MakeStatements = (image: PlatformImage, manifest: Digest) => Promise<readonly Statement[]>;

export interface ComposeOptions {
  readonly images: readonly PlatformImage[];
  readonly form: ImageForm;
  /** An index also for a single image of which nothing is said. */
  readonly isIndex: boolean;
  /** Absent: nothing is said. */
  readonly statements?: MakeStatements | undefined;
  /** What is added to a config before it is written: the inline cache. */
  readonly extendConfig?: (image: PlatformImage) => Readonly<Record<string, unknown>>;
}

/** An image for one or several platforms, written into the content store. */
export interface Composed {
  /** A manifest, or an index when there are several platforms or attestations. */
  readonly target: Descriptor;
  /** The manifests of the platforms, in the order of the platforms. */
  readonly manifests: readonly Descriptor[];
  /** By platform. */
  readonly configs: readonly Digest[];
}

interface Stores {
  readonly content: ContentStore;
  readonly images: ImageStore;
}

/** Writes configs, manifests, attestations and index as a form asks for; the layers are brought into that form first. */
export async function composeImage(stores: Stores, options: ComposeOptions): Promise<Composed> {
  const types = mediaTypesOf(options);
  const rows: { readonly manifest: Descriptor; readonly config: Digest }[] = [];
  const attestations: Descriptor[] = [];
  for (const image of options.images) {
    const row = await storeManifest(stores, image, { ...options, types });
    rows.push(row);
    const statements = (await options.statements?.(image, row.manifest.digest)) ?? [];
    if (statements.length > 0)
      attestations.push(
        storeAttestations(stores.content, { statements, subject: row.manifest, form: options.form }),
      );
  }
  const manifests = rows.map(({ manifest }) => manifest);
  const configs = rows.map(({ config }) => config);
  const target = storeTarget(stores.content, [...manifests, ...attestations], options);
  return { target, manifests, configs };
}

/** Docker's media types know neither annotations of manifests nor attestations: who asks for these gets the standard's. */
function mediaTypesOf({ form, statements }: ComposeOptions): "oci" | "docker" {
  return form.annotations.length > 0 || statements !== undefined ? "oci" : form.mediaTypes;
}

async function storeManifest(
  stores: Stores,
  image: PlatformImage,
  options: ComposeOptions & { readonly types: "oci" | "docker" },
): Promise<{ readonly manifest: Descriptor; readonly config: Digest }> {
  const { form, types } = options;
  const layers: Descriptor[] = [];
  for (const { descriptor } of image.layers)
    layers.push(typed(await stores.images.formLayer(descriptor, form.layer), types));
  const config = stores.content.put(
    formatConfig({ ...image.config, ...options.extendConfig?.(image) }),
    types === "oci" ? mediaTypes.config : mediaTypes.dockerConfig,
  );
  const annotations = annotationsOf(form.annotations, "manifest", image.platform);
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: types === "oci" ? mediaTypes.manifest : mediaTypes.dockerManifest,
    config,
    layers,
    ...(annotations && { annotations }),
  };
  const stored = stores.content.put(JSON.stringify(manifest), manifest.mediaType ?? mediaTypes.manifest);
  const words = annotationsOf(form.annotations, "manifest-descriptor", image.platform);
  return {
    manifest: { ...stored, platform: platformOf(image.config), ...(words && { annotations: words }) },
    config: config.digest,
  };
}

/** Layers are the same bytes in both spellings. Docker has no name for zstd. */
function typed(layer: Descriptor, types: "oci" | "docker"): Descriptor {
  const pairs = [
    [mediaTypes.layer, mediaTypes.dockerLayer],
    [mediaTypes.layerGzip, mediaTypes.dockerLayerGzip],
  ] as const;
  for (const [oci, docker] of pairs)
    if (layer.mediaType === oci || layer.mediaType === docker)
      return { ...layer, mediaType: types === "oci" ? oci : docker };
  return layer;
}

function storeTarget(
  content: ContentStore,
  manifests: readonly Descriptor[],
  options: ComposeOptions,
): Descriptor {
  const { form, isIndex } = options;
  const [only] = manifests;
  if (only !== undefined && manifests.length === 1 && !isIndex) {
    if (form.annotations.some(({ level }) => level.startsWith("index")))
      throw new LighterError(
        "ARGUMENT_INVALID",
        "cannot annotate an index: index annotations are not supported for a single platform without attestations",
      );
    return only;
  }
  const mediaType = mediaTypesOf(options) === "docker" ? mediaTypes.dockerManifestList : mediaTypes.index;
  const annotations = annotationsOf(form.annotations, "index");
  const index: Index = { schemaVersion: 2, mediaType, manifests, ...(annotations && { annotations }) };
  const stored = content.put(JSON.stringify(index), mediaType);
  const words = annotationsOf(form.annotations, "index-descriptor");
  return { ...stored, ...(words && { annotations: words }) };
}

function annotationsOf(
  annotations: readonly Annotation[],
  level: Annotation["level"],
  platform?: Platform,
): Readonly<Record<string, string>> | undefined {
  const chosen = annotations.filter(
    (annotation) =>
      annotation.level === level &&
      (annotation.platform === undefined ||
        (platform !== undefined && samePlatform(annotation.platform, platform))),
  );
  if (chosen.length === 0) return undefined;
  return Object.fromEntries(chosen.map(({ key, value }) => [key, value]));
}

function platformOf({ os, architecture, variant }: ImageConfig): Platform {
  return normalizePlatform({ os, architecture, ...(variant !== undefined && { variant }) });
}

/** `linux_arm64`, as directories and files of a platform are called. */
export function platformName(platform: Platform): string {
  return formatPlatform(platform).replaceAll("/", "_");
}
