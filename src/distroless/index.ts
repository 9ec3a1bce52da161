export { type TrimPackName, trimPacks } from "./assemble/trim-packs.ts";
export type { PoolUsage } from "./mirror/package-pool.ts";
export { openRecipeSource, type RecipeSourceOptions } from "./open-recipe-source.ts";
export type { EnvironmentValue, RecipeDefinition } from "./recipe-definition.ts";
export { readShape, type ShapedDocument, type ShapedText } from "./recipe-file/read-shape.ts";
export { recipeJsonSchema } from "./recipe-file/recipe-shape.ts";
export type { Shape } from "./recipe-file/shape.ts";
export {
  allPackages,
  comparePackages,
  type LockedPackage,
  type PackageChange,
  type RecipeLock,
  readLock,
  rejectDowngrade,
  writeLock,
} from "./recipe-lock.ts";
export type { Recipe, RecipeSource } from "./recipe-source.ts";
