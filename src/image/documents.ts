import { errorMessage, LighterError } from "#base";
import type { ContentReader } from "#content";
import {
  type Descriptor,
  type Digest,
  type ImageConfig,
  type Index,
  isDigest,
  type Manifest,
  mediaTypes,
} from "#oci";

/** A manifest of the store, verified and checked for form. @throws IMAGE_INVALID and what reading blobs throws */
export function readManifest(content: ContentReader, digest: Digest): Manifest {
  const value = parse(content, digest, "manifest");
  const isManifest =
    isRecord(value) &&
    isDescriptor(value["config"]) &&
    Array.isArray(value["layers"]) &&
    value["layers"].every(isDescriptor);
  if (!isManifest) throw invalid(digest, "it is no image manifest");
  return value as unknown as Manifest;
}

/** Whether a descriptor is one of an index, in either spelling. */
export function isIndex({ mediaType }: Pick<Descriptor, "mediaType">): boolean {
  return mediaType === mediaTypes.index || mediaType === mediaTypes.dockerManifestList;
}

/** Whether a row of an index says what is known about an image, and is none itself. */
export function isAttestation({ annotations }: Descriptor): boolean {
  return annotations?.["vnd.docker.reference.type"] === "attestation-manifest";
}

/** An index of the store, verified and checked for form. @throws IMAGE_INVALID and what reading blobs throws */
export function readIndex(content: ContentReader, digest: Digest): Index {
  const value = parse(content, digest, "index");
  const manifests = isRecord(value) ? value["manifests"] : undefined;
  if (!Array.isArray(manifests) || !manifests.every(isDescriptor))
    throw invalid(digest, "it is no image index");
  return value as unknown as Index;
}

/** A config of the store, verified and checked for form. */
export function readConfig(content: ContentReader, digest: Digest): ImageConfig {
  const value = parse(content, digest, "config");
  const rootfs = isRecord(value) ? value["rootfs"] : undefined;
  const diffIds = isRecord(rootfs) ? (rootfs["diff_ids"] ?? []) : undefined;
  if (
    !isRecord(value) ||
    !Array.isArray(diffIds) ||
    !diffIds.every((id) => typeof id === "string" && isDigest(id))
  )
    throw invalid(digest, "it is no image config");
  const config = value as unknown as ImageConfig;
  return { ...config, rootfs: { type: "layers", diff_ids: diffIds as Digest[] } };
}

function parse(content: ContentReader, digest: Digest, what: string): unknown {
  const bytes = content.read(digest);
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch (error) {
    throw invalid(digest, `the ${what} is no JSON (${errorMessage(error)})`);
  }
}

/** Whether a config is that of a container image, and not of some other artifact. */
export function isImageConfig({ mediaType }: Descriptor): boolean {
  return mediaType === mediaTypes.config || mediaType === mediaTypes.dockerConfig;
}

/** Whether a value can stand as a descriptor of something this engine can verify. */
export function isDescriptor(value: unknown): boolean {
  return (
    isRecord(value) &&
    typeof value["mediaType"] === "string" &&
    typeof value["digest"] === "string" &&
    isDigest(value["digest"]) &&
    Number.isSafeInteger(value["size"])
  );
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(digest: Digest, why: string): LighterError {
  return new LighterError("IMAGE_INVALID", `cannot use image "${digest}": ${why}`, { details: { digest } });
}

const configOrder = [
  "created",
  "author",
  "architecture",
  "variant",
  "os",
  "os.version",
  "os.features",
  "config",
  "rootfs",
  "history",
];

/** The config as bytes, with keys in one order however the caller made it. */
export function formatConfig(config: ImageConfig): string {
  const fields = new Map(Object.entries(config));
  const rest = [...fields.keys()].filter((key) => !configOrder.includes(key)).sort();
  const entries = [...configOrder, ...rest].flatMap((key) =>
    fields.get(key) === undefined ? [] : [[key, fields.get(key)]],
  );
  return JSON.stringify(Object.fromEntries(entries));
}
