export { type TrimPackName, trimPacks } from "./assemble/trim-packs.ts";
export { openRecipeSource, type RecipeSourceOptions } from "./open-recipe-source.ts";
export type { EnvironmentValue, RecipeDefinition } from "./recipe-definition.ts";
export { recipeJsonSchema } from "./recipe-file/recipe-shape.ts";
export {
  comparePackages,
  type LockedPackage,
  type PackageChange,
  type RecipeLock,
  readLock,
  rejectDowngrade,
  writeLock,
} from "./recipe-lock.ts";
export type { Recipe, RecipeSource } from "./recipe-source.ts";
