import type { OnProgress } from "#base";
import type { Image } from "#image";
import type { Digest, Platform, Reference } from "#oci";
import type { PoolUsage } from "./mirror/package-pool.ts";
import type { RecipeDefinition } from "./recipe-definition.ts";
import type { RecipeLock } from "./recipe-lock.ts";

/** Images assembled from signed Debian packages. */
export interface RecipeSource {
  /** The recipe that plays the role a name asks for (`golang:1.19`, `debian:bookworm`), or undefined. */
  find(reference: Reference, platform: Platform): Recipe | undefined;
  /** The recipe that is taken for an image that it is not, while that one cannot be had: `alpine`, `ubuntu:22.04`, or undefined. */
  findStandIn(reference: Reference, platform: Platform): Recipe | undefined;
  /** What recipes have in an image's repository, for whoever asked for another tag: `golang:1.19`, `golang:1.24`. */
  namesBeside(reference: Reference): readonly string[];
  /**
   * The built-in recipe of that name, as people write it: `golang` without a tag is the newest.
   * @throws REFERENCE_INVALID
   */
  findByName(name: string, platform: Platform): Recipe | undefined;
  list(): readonly Recipe[];
  /** The file of a package that a recipe has used in this store: its digest and where it came from. */
  findPackage(item: {
    readonly name: string;
    readonly version: string;
    readonly architecture?: string;
  }): { readonly digest: Digest; readonly url: string } | undefined;
  /** What the packages take that are kept for later assemblies. */
  poolUsage(): PoolUsage;
  /** Removes kept packages, those used longest ago first, until no more than this is left. @returns what was removed */
  prunePool(keepBytes: number): Promise<PoolUsage>;
  /** A recipe from a file of the user's own. @throws RECIPE_NOT_FOUND, RECIPE_INVALID */
  read(path: string, platform: Platform): Promise<Recipe>;
  /**
   * The packages that a recipe would get now, each by version and digest.
   * @throws SIGNATURE_INVALID, RELEASE_EXPIRED, INDEX_INVALID, PACKAGE_NOT_FOUND, DEPENDENCY_UNSATISFIABLE,
   *   PACKAGES_CONFLICT, MIRROR_UNREACHABLE, CANCELLED
   */
  lock(recipe: Recipe, options?: { readonly signal?: AbortSignal }): Promise<RecipeLock>;
  /**
   * Assembles the image and puts it into the image store, under the reference's name when there is one. Idempotent: packages that were
   * downloaded are kept and an equal assembly gives an equal digest.
   * @throws SIGNATURE_INVALID, RELEASE_EXPIRED, INDEX_INVALID, PACKAGE_INVALID, PACKAGE_NOT_FOUND,
   *   DEPENDENCY_UNSATISFIABLE, PACKAGES_CONFLICT, MIRROR_UNREACHABLE, STORE_FULL, RECIPE_INVALID, CANCELLED
   */
  assemble(
    recipe: Recipe,
    reference: Reference | undefined,
    options: {
      readonly onProgress: OnProgress;
      readonly signal?: AbortSignal;
      /** Takes these packages and asks no archive which there are. */
      readonly lock?: RecipeLock;
    },
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
