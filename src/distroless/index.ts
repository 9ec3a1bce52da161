export { openRecipeSource, type RecipeSourceOptions } from "./open-recipe-source.ts";
export type { EnvironmentValue, RecipeDefinition } from "./recipe-definition.ts";
export type { Recipe, RecipeSource } from "./recipe-source.ts";
