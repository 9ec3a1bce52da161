import type { Base, BaseSource } from "#build";
import type { Recipe, RecipeSource } from "#distroless";
import type { Image, ImageStore, Origin } from "#image";
import { formatReference, type Platform, type Reference, samePlatform } from "#oci";

/**
 * Where FROM gets its image: the store first, then recipes. Which one answered stands in {@link Base.origin} and so in
 * the build output: nothing is substituted silently.
 */
export function createBaseSource(images: ImageStore, openRecipes: () => Promise<RecipeSource>): BaseSource {
  let tried: readonly Recipe[] = [];
  const findBase = (reference: Reference, platform: Platform): Base | undefined => {
    const stored = findStored(images, reference, platform);
    return stored === undefined ? undefined : toBase(images, stored, describeStored(stored.origin));
  };
  return {
    find: async (reference, platform) => findBase(reference, platform),
    resolve: async (reference, options) => {
      const stored = findBase(reference, options.platform);
      if (stored !== undefined) return stored;
      const recipes = await openRecipes();
      tried = recipes.list();
      const recipe = recipes.find(reference, options.platform);
      if (recipe === undefined) return undefined;
      const image = await recipes.assemble(recipe, reference, options);
      return toBase(images, image, recipe.description);
    },
    describeSources: () => `the store, then recipes (${recipeNames(tried)})`,
  };
}

function findStored(images: ImageStore, reference: Reference, platform: Platform): Image | undefined {
  const image = images.find(formatReference(reference));
  return image !== undefined && samePlatform(image.config, platform) ? image : undefined;
}

function describeStored(origin: Origin | undefined): string {
  switch (origin?.kind) {
    case "recipe":
      return `in the store, ${origin.description}`;
    case "pulled":
      return `in the store, pulled from ${origin.from}`;
    case "loaded":
      return "in the store, loaded from an archive";
    case "built":
      return "in the store, built here";
    case undefined:
      return "in the store";
  }
}

function toBase(images: ImageStore, image: Image, origin: string): Base {
  return {
    digest: image.target.digest,
    config: image.config,
    layers: image.layers,
    origin,
    snapshot: (signal) => images.unpack(image, signal === undefined ? {} : { signal }),
  };
}

function recipeNames(recipes: readonly Recipe[]): string {
  return [...new Set(recipes.map((recipe) => recipe.name))].join(", ");
}
