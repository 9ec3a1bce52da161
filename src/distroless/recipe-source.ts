import type { OnProgress } from "#base";
import type { Image } from "#image";
import type { Platform, Reference } from "#oci";
import type { RecipeDefinition } from "./recipe-definition.ts";

/** Images assembled from signed Debian packages. */
export interface RecipeSource {
  /** The recipe that plays the role a name asks for (`golang:1.19`, `debian:bookworm`), or undefined. */
  find(reference: Reference, platform: Platform): Recipe | undefined;
  list(): readonly Recipe[];
  /**
   * Assembles the image and puts it into the image store under the reference's name. Idempotent: packages that were
   * downloaded are kept and an equal assembly gives an equal digest.
   * @throws SIGNATURE_INVALID, RELEASE_EXPIRED, INDEX_INVALID, PACKAGE_INVALID, PACKAGE_NOT_FOUND,
   *   DEPENDENCY_UNSATISFIABLE, PACKAGES_CONFLICT, MIRROR_UNREACHABLE, STORE_FULL, RECIPE_INVALID, CANCELLED
   */
  assemble(
    recipe: Recipe,
    reference: Reference,
    options: { readonly onProgress: OnProgress; readonly signal?: AbortSignal },
  ): Promise<Image>;
}

/** A recipe for one platform. */
export interface Recipe {
  readonly name: string;
  readonly suite: string;
  /** For people: `assembled from Debian bookworm (recipe golang)`. */
  readonly description: string;
  readonly platform: Platform;
  readonly definition: RecipeDefinition;
}
