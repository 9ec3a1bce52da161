export type { Recipe, RecipeSource } from "./recipe-source.ts";
