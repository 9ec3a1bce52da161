import { LighterError } from "#base";
import { familiarReference, parseReference, shortId } from "#oci";
import type { Image } from "./image-store.ts";
import { isName, sameRepository } from "./lookup.ts";

/** What removing an image by a text does, as docker has it. */
export interface RemovalPlan {
  /** Full names that go. */
  readonly untagged: readonly string[];
  /** Whether the image goes with them. */
  readonly isDeleted: boolean;
}

/**
 * By name: that name goes, and with the last one the image. By id: all names and the image, unless they are in different
 * repositories, which needs `force`.
 * @throws IMAGE_IN_USE
 */
export function planRemoval(image: Image, text: string, force: boolean): RemovalPlan {
  const named = image.names.find((name) => isName(name, text));
  if (named !== undefined) return { untagged: [named], isDeleted: image.names.length === 1 };
  const references = image.names.map(parseReference);
  const [first] = references;
  if (!force && first !== undefined && references.some((other) => !sameRepository(first, other)))
    throw new LighterError(
      "IMAGE_IN_USE",
      `cannot remove image "${shortId(image.id)}": it has names in several repositories (${references.map(familiarReference).join(", ")}); remove them by name, or force it`,
    );
  return { untagged: image.names, isDeleted: true };
}
