import { errorMessage, LighterError } from "#base";
import { type Descriptor, type Manifest } from "#oci";
import { isDescriptor, isIndex, isRecord } from "../documents.ts";

/** What stands at the top of an image, or inside an index. */
export type ImageDocument =
  | { readonly kind: "index"; readonly manifests: readonly Descriptor[] }
  | { readonly kind: "manifest"; readonly manifest: Manifest };

/** A document with its bytes as they are: their digest is the descriptor's. */
export interface ImageBytes {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/** Reads a manifest or an index, of either family. @throws IMAGE_INVALID */
export function parseDocument({ descriptor, bytes }: ImageBytes): ImageDocument {
  const value = parseJson(descriptor, bytes);
  if (isIndex(descriptor)) {
    const manifests = isRecord(value) ? value["manifests"] : undefined;
    if (Array.isArray(manifests) && manifests.every(isDescriptor))
      return { kind: "index", manifests: manifests as readonly Descriptor[] };
    throw invalid(descriptor, "it is no image index");
  }
  if (
    isRecord(value) &&
    isDescriptor(value["config"]) &&
    Array.isArray(value["layers"]) &&
    value["layers"].every(isDescriptor)
  )
    return { kind: "manifest", manifest: value as unknown as Manifest };
  throw invalid(descriptor, "it is no image manifest");
}

function parseJson(descriptor: Descriptor, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch (error) {
    throw invalid(descriptor, `it is no JSON (${errorMessage(error)})`);
  }
}

function invalid(descriptor: Descriptor, why: string): LighterError {
  return new LighterError("IMAGE_INVALID", `cannot use manifest "${descriptor.digest}": ${why}`, {
    details: { digest: descriptor.digest },
  });
}
