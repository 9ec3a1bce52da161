import { isLighterError } from "#base";
import { formatReference, parseReference, type Reference } from "#oci";
import type { Image } from "./image-store.ts";

/**
 * The images that a text means: one with that name, else those whose id (or manifest digest) begins with it. More than one
 * is an ambiguity.
 */
export function matchImages(images: readonly Image[], text: string): readonly Image[] {
  const reference = tryParse(text);
  const named = reference === undefined ? [] : images.filter((image) => hasReference(image, reference));
  if (named.length > 0) return named;
  const hex = text.replace(/^sha256:/, "");
  if (!/^[0-9a-f]{1,64}$/.test(hex)) return [];
  const byId = images.filter((image) => image.id.startsWith(`sha256:${hex}`));
  return byId.length > 0 ? byId : images.filter((image) => image.target.digest.startsWith(`sha256:${hex}`));
}

function hasReference(image: Image, reference: Reference): boolean {
  if (reference.digest === undefined) return image.names.includes(formatReference(reference));
  if (image.target.digest !== reference.digest) return false;
  return image.names.map(parseReference).some((name) => sameRepository(name, reference));
}

/** Whether `text` is a way to write the full `name`. */
export function isName(name: string, text: string): boolean {
  const reference = tryParse(text);
  return reference !== undefined && formatReference(reference) === name;
}

export function sameRepository(a: Reference, b: Reference): boolean {
  return a.registry === b.registry && a.repository === b.repository;
}

function tryParse(text: string): Reference | undefined {
  try {
    return parseReference(text);
  } catch (error) {
    if (isLighterError(error, "REFERENCE_INVALID")) return undefined;
    throw error;
  }
}
