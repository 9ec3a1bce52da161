import { realpathSync, statSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative } from "node:path";
import { LighterError } from "#base";
import type { Base, BaseSource } from "#build";
import type { Recipe, RecipeLock, RecipeSource } from "#distroless";
import type { ImageStore } from "#image";
import type { Platform } from "#oci";
import { toBase } from "./to-base.ts";

/** What bases by recipe are made with. */
export interface RecipeBaseParts {
  readonly images: ImageStore;
  readonly openRecipes: () => Promise<RecipeSource>;
}

/** Where the paths of recipes begin. */
export interface RecipePlace {
  /** Absent: there is no directory that a path could be of. */
  readonly folder: string | undefined;
  /** Whoever names the recipe is not the user: nothing outside of the folder is read, not through links either. */
  readonly isConfined: boolean;
}

/**
 * Assembles what `recipe:NAME` or `recipe:FILE.yaml` means. A file's lock beside it is held to. The image gets no name: what a
 * recipe calls itself must not take the place of another image.
 * @throws RECIPE_NOT_FOUND, RECIPE_INVALID, and what assembling throws
 */
export async function resolveRecipeBase(
  parts: RecipeBaseParts,
  name: string,
  options: Parameters<BaseSource["resolve"]>[1] & { readonly place: RecipePlace },
): Promise<Base> {
  const { platform, onProgress, signal, place } = options;
  const source = await parts.openRecipes();
  const { recipe, lock, origin } = await find(source, name, { platform, place });
  const image = await source.assemble(recipe, undefined, {
    onProgress,
    ...(signal !== undefined && { signal }),
    ...(lock !== undefined && { lock }),
  });
  return toBase(parts.images, image, origin);
}

interface Found {
  readonly recipe: Recipe;
  readonly lock?: RecipeLock;
  readonly origin: string;
}

async function find(
  source: RecipeSource,
  name: string,
  { platform, place }: { readonly platform: Platform; readonly place: RecipePlace },
): Promise<Found> {
  if (!/\.ya?ml$/.test(name)) {
    const recipe = source.findByName(name, platform);
    if (recipe !== undefined) return { recipe, origin: recipe.description };
    throw new LighterError(
      "RECIPE_NOT_FOUND",
      `cannot use base "recipe:${name}": there is no built-in recipe of that name; "lighter recipe ls" lists them, and a file is named as recipe:./FILE.yaml`,
    );
  }
  const path = locate(name, place);
  const recipe = await source.read(path, platform);
  const lockName = name.replace(/\.ya?ml$/, ".lock.json");
  const lockPath = join(dirname(path), basename(lockName));
  const { readLock } = await import("#distroless");
  const lock = isFile(lockPath) ? readLock(locate(lockName, place)) : undefined;
  const details = [`recipe ${name}`, ...(lock === undefined ? [] : [`lock ${lockName}`])].join(", ");
  const origin = `assembled from Debian ${recipe.suite} (${details})`;
  return { recipe, origin, ...(lock !== undefined && { lock }) };
}

/** The real path of a file that a recipe's name leads to. */
function locate(name: string, { folder, isConfined }: RecipePlace): string {
  const refuse = (why: string, code: "RECIPE_NOT_FOUND" | "RECIPE_INVALID") =>
    new LighterError(code, `cannot use base "recipe:${name}": ${why}`);
  if (folder === undefined)
    throw refuse("this build has no directory in which a file could lie; name a context", "RECIPE_NOT_FOUND");
  const path = isAbsolute(name) && !isConfined ? name : join(folder, name);
  if (!isFile(path)) throw refuse(`there is no file ${name} in ${folder}`, "RECIPE_NOT_FOUND");
  const real = realpathSync(path);
  if (isConfined && isOutside(relative(realpathSync(folder), real)))
    throw refuse(
      "it lies outside of the build context; put it there, or name it with --build-context NAME=recipe:FILE",
      "RECIPE_INVALID",
    );
  return real;
}

function isOutside(path: string): boolean {
  return path === ".." || path.startsWith("../") || isAbsolute(path);
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
