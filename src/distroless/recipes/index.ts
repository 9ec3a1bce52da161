import type { RecipeDefinition } from "../recipe-definition.ts";
import { debianRecipes } from "./debian.ts";
import { distrolessRecipes } from "./distroless.ts";
import { golangRecipes } from "./golang.ts";
import { languageRecipes } from "./languages.ts";
import { smallRecipes } from "./small.ts";

/** The recipes that need no file. */
export const builtinRecipes: readonly RecipeDefinition[] = [
  ...debianRecipes,
  ...golangRecipes,
  ...languageRecipes,
  ...smallRecipes,
  ...distrolessRecipes,
];
