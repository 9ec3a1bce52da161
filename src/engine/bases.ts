import { isLighterError } from "#base";
import type { Base, BaseSource } from "#build";
import type { Recipe, RecipeSource } from "#distroless";
import type { Image, ImageStore, Origin } from "#image";
import { formatReference, type Platform, type Reference, recipeNameOf } from "#oci";
import type { RegistryClient } from "#registry";
import { type BaseRule, findBaseRule } from "./base-rules.ts";
import type { BaseSourceName } from "./options.ts";
import { resolveRecipeBase } from "./recipe-bases.ts";
import { toBase } from "./to-base.ts";
import { pullReference } from "./transfers.ts";

interface BaseParts {
  readonly images: ImageStore;
  /** Which sources are asked for which names; the first that fits holds. */
  readonly rules: readonly BaseRule[];
  /** The store is not asked: what it has may be old. */
  readonly passesStore?: boolean;
  /** The build context: recipes that a Dockerfile names by path lie in it. */
  readonly context?: string;
  readonly openRecipes: () => Promise<RecipeSource>;
  readonly openRegistries: () => Promise<RegistryClient>;
}

type ResolveOptions = Parameters<BaseSource["resolve"]>[1];

/**
 * Where FROM gets its image: by default the store, then recipes, then the registry that the name says. Which one answered
 * stands in {@link Base.origin} and so in the build output and the provenance: nothing is substituted silently. What a recipe only
 * stands in for is asked of the registry first.
 */
export function createBaseSource(parts: BaseParts): BaseSource {
  const { images } = parts;
  const tried = new Map<BaseSourceName, string>();
  const findBase = (reference: Reference, platform: Platform): Base | undefined => {
    const stored = findStored(images, reference, platform);
    if (stored === undefined) return undefined;
    return { ...toBase(images, stored, describeOrigin(stored.origin)), isStored: true };
  };
  /** It gets no name: once the registry can be reached, its image is the one. */
  const standIn = async (reference: Reference, options: ResolveOptions): Promise<Base | undefined> => {
    const recipes = await parts.openRecipes();
    const recipe = recipes.findStandIn(reference, options.platform);
    if (recipe === undefined) return undefined;
    return toBase(images, await recipes.assemble(recipe, undefined, options), recipe.description);
  };
  const sources: Readonly<
    Record<
      BaseSourceName,
      (reference: Reference, options: ResolveOptions, rule: BaseRule) => Promise<Base | undefined>
    >
  > = {
    async store(reference, options) {
      tried.set("store", "the store");
      return findBase(reference, options.platform);
    },
    async recipe(reference, options, { pattern, sources: asked }) {
      const recipes = await parts.openRecipes();
      const beside = recipes.namesBeside(reference);
      tried.set(
        "recipe",
        beside.length > 0
          ? `recipes (which have ${beside.join(", ")})`
          : `recipes (${recipeNames(recipes.list())})`,
      );
      // A name of another registry means that registry, unless the user says of this very name that it does not.
      const isSaid = pattern !== undefined && !pattern.startsWith("*");
      const role = isSaid ? { ...reference, registry: "docker.io" } : reference;
      const recipe = recipes.find(role, options.platform);
      if (recipe === undefined) return asked.includes("registry") ? undefined : await standIn(role, options);
      return toBase(images, await recipes.assemble(recipe, reference, options), recipe.description);
    },
    async registry(reference, options, { sources: asked }) {
      tried.set("registry", `registry ${reference.registry}`);
      try {
        const client = await parts.openRegistries();
        const { image } = await pullReference({ images, client }, reference, options);
        return toBase(images, image, `pulled from ${reference.registry}`);
      } catch (error) {
        if (!isLighterError(error, "MANIFEST_NOT_FOUND", "REGISTRY_UNREACHABLE")) throw error;
        if (error.code !== "REGISTRY_UNREACHABLE") return undefined;
        tried.set("registry", `registry ${reference.registry} (${String(error.details["why"])})`);
        return asked.includes("recipe") ? await standIn(reference, options) : undefined;
      }
    },
  };
  return {
    find: async (reference, platform) =>
      recipeNameOf(reference) === undefined ? findBase(reference, platform) : undefined,
    async resolve(reference, options) {
      tried.clear();
      const recipe = recipeNameOf(reference);
      if (recipe !== undefined) {
        const place = { folder: parts.context, isConfined: true };
        return await resolveRecipeBase(parts, recipe, { ...options, place });
      }
      const rule = findBaseRule(parts.rules, reference);
      for (const name of rule.sources) {
        if (name === "store" && parts.passesStore === true) continue;
        const base = await sources[name](reference, options, rule);
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

function describeOrigin(origin: Origin | undefined): string {
  switch (origin?.kind) {
    case "recipe":
      return origin.description;
    case "pulled":
      return `pulled from ${origin.from}`;
    case "loaded":
      return "loaded from an archive";
    case "built":
      return "built here";
    case undefined:
      return "";
  }
}

function recipeNames(recipes: readonly Recipe[]): string {
  return [...new Set(recipes.map((recipe) => recipe.name))].join(", ");
}
