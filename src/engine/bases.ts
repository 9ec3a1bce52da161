import { isLighterError } from "#base";
import type { Base, BaseSource } from "#build";
import type { Recipe, RecipeSource } from "#distroless";
import type { Image, ImageStore, Origin } from "#image";
import { formatReference, type Platform, type Reference } from "#oci";
import type { RegistryClient } from "#registry";
import type { BaseSourceName } from "./options.ts";
import { pullReference } from "./transfers.ts";

interface BaseParts {
  readonly images: ImageStore;
  /** Which are asked, in order. */
  readonly order: readonly BaseSourceName[];
  readonly openRecipes: () => Promise<RecipeSource>;
  readonly openRegistries: () => Promise<RegistryClient>;
}

type ResolveOptions = Parameters<BaseSource["resolve"]>[1];

/**
 * Where FROM gets its image: by default the store, then recipes, then the registry that the name says. Which one answered
 * stands in {@link Base.origin} and so in the build output: nothing is substituted silently.
 */
export function createBaseSource(parts: BaseParts): BaseSource {
  const { images, order } = parts;
  const tried = new Map<BaseSourceName, string>();
  const findBase = (reference: Reference, platform: Platform): Base | undefined => {
    const stored = findStored(images, reference, platform);
    return stored === undefined ? undefined : toBase(images, stored, describeStored(stored.origin));
  };
  const sources: Readonly<
    Record<BaseSourceName, (reference: Reference, options: ResolveOptions) => Promise<Base | undefined>>
  > = {
    async store(reference, options) {
      tried.set("store", "the store");
      return findBase(reference, options.platform);
    },
    async recipe(reference, options) {
      const recipes = await parts.openRecipes();
      tried.set("recipe", `recipes (${recipeNames(recipes.list())})`);
      const recipe = recipes.find(reference, options.platform);
      if (recipe === undefined) return undefined;
      return toBase(images, await recipes.assemble(recipe, reference, options), recipe.description);
    },
    async registry(reference, options) {
      tried.set("registry", `registry ${reference.registry}`);
      try {
        const client = await parts.openRegistries();
        const { image } = await pullReference({ images, client }, reference, options);
        return toBase(images, image, `pulled from ${reference.registry}`);
      } catch (error) {
        if (!isLighterError(error, "MANIFEST_NOT_FOUND", "REGISTRY_UNREACHABLE")) throw error;
        if (error.code === "REGISTRY_UNREACHABLE")
          tried.set("registry", `registry ${reference.registry} (${String(error.details["why"])})`);
        return undefined;
      }
    },
  };
  return {
    find: async (reference, platform) => findBase(reference, platform),
    async resolve(reference, options) {
      tried.clear();
      for (const name of order) {
        const base = await sources[name](reference, options);
        if (base !== undefined) return base;
      }
      return undefined;
    },
    describeSources: () => [...tried.values()].join(", then "),
  };
}

function findStored(images: ImageStore, reference: Reference, platform: Platform): Image | undefined {
  return images.find(formatReference(reference), { platform });
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

/** @param origin for the build output, after `FROM golang:1.19: ` */
export function toBase(images: ImageStore, image: Image, origin: string): Base {
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
