import { existsSync } from "node:fs";
import type { OnProgress } from "#base";
import { LighterError } from "#base";
import type { PackageChange, PoolUsage, Recipe, RecipeLock, RecipeSource } from "#distroless";
import type { Image } from "#image";
import { normalizePlatform, type Platform, parsePlatform, parseReference } from "#oci";
import type { SbomFormat } from "./sbom.ts";

/** Which recipe, for which platform. */
export interface RecipeOptions {
  /** `os/architecture`. @defaultValue the host's */
  readonly platform?: string;
  readonly signal?: AbortSignal;
}

export interface RecipeBuildOptions extends RecipeOptions {
  /** Names for the image. @defaultValue the recipe's own */
  readonly tags?: readonly string[];
  /** Takes these packages instead of asking the archive. */
  readonly lock?: RecipeLock;
  readonly onProgress?: OnProgress;
}

interface RecipesParts {
  readonly open: () => Promise<RecipeSource>;
  /** Keeps the store in use while it is worked on. */
  readonly use: () => Promise<Disposable>;
  readonly hostPlatform: Platform;
  readonly tag: (image: Image, name: string) => Image;
  readonly describe: (name: string, format: SbomFormat) => Promise<Readonly<Record<string, unknown>>>;
}

/** The recipes by which images are assembled from Debian's packages: the built-in ones, and files of the user's own. */
export class Recipes {
  readonly #parts: RecipesParts;

  constructor(parts: RecipesParts) {
    this.#parts = parts;
  }

  /** The built-in recipes. */
  async list(): Promise<readonly Recipe[]> {
    return (await this.#parts.open()).list();
  }

  /**
   * A built-in recipe by the name of its image (`distroless/base:nonroot`), or one from a file (`./api.yaml`).
   * @throws RECIPE_NOT_FOUND, RECIPE_INVALID
   */
  async get(text: string, options: RecipeOptions = {}): Promise<Recipe> {
    const source = await this.#parts.open();
    const platform =
      options.platform === undefined
        ? this.#parts.hostPlatform
        : normalizePlatform(parsePlatform(options.platform));
    if (isRecipeFile(text)) return await source.read(text, platform);
    const recipe = source.findByName(text, platform);
    if (recipe !== undefined) return recipe;
    const beside = source.namesBeside(parseReference(text));
    if (beside.length > 0)
      throw new LighterError(
        "RECIPE_NOT_FOUND",
        `cannot find recipe "${text}": Debian does not carry that version; there are ${beside.join(", ")}`,
      );
    throw new LighterError(
      "RECIPE_NOT_FOUND",
      `cannot find recipe "${text}": it is neither a built-in one nor a file; "lighter recipe ls" lists the built-in ones`,
    );
  }

  /** The packages that a recipe would get now. @throws RECIPE_NOT_FOUND, MIRROR_UNREACHABLE, and what resolving throws */
  async lock(text: string, options: RecipeOptions = {}): Promise<RecipeLock> {
    // Reading a recipe may read an image of the store.
    using _use = await this.#parts.use();
    const recipe = await this.get(text, options);
    return await (await this.#parts.open()).lock(recipe, options);
  }

  /** Reads a lock; undefined when there is none, unless it must exist. @throws RECIPE_NOT_FOUND, RECIPE_INVALID */
  async readLock(
    path: string,
    options: { readonly mustExist?: boolean } = {},
  ): Promise<RecipeLock | undefined> {
    return (await import("#distroless")).readLock(path, options);
  }

  /** Writes a lock, unless the one that stands there has a newer package. @throws RECIPE_INVALID, STORE_FULL */
  async writeLock(path: string, lock: RecipeLock): Promise<void> {
    const { allPackages, comparePackages, readLock, rejectDowngrade, writeLock } = await import(
      "#distroless"
    );
    const before = readLock(path);
    if (before?.architecture === lock.architecture && before.release === lock.release)
      rejectDowngrade(comparePackages(allPackages(before), allPackages(lock)), path);
    writeLock(path, lock);
  }

  /** What changed from one set of packages to another. */
  async compare(before: RecipeLock, after: RecipeLock): Promise<readonly PackageChange[]> {
    const { allPackages, comparePackages } = await import("#distroless");
    return comparePackages(allPackages(before), allPackages(after));
  }

  /** The bill of materials of an image in the store, in one of two forms. @throws IMAGE_NOT_FOUND */
  async sbom(name: string, format: SbomFormat): Promise<Readonly<Record<string, unknown>>> {
    using _use = await this.#parts.use();
    return await this.#parts.describe(name, format);
  }

  /** What Debian's packages take that are kept for later assemblies. */
  async cacheUsage(): Promise<PoolUsage> {
    return (await this.#parts.open()).poolUsage();
  }

  /** Removes kept packages, those used longest ago first. @returns what was removed */
  async pruneCache(options: { readonly keepBytes?: number } = {}): Promise<PoolUsage> {
    return await (await this.#parts.open()).prunePool(options.keepBytes ?? 0);
  }

  /** Assembles an image. @throws RECIPE_NOT_FOUND, RECIPE_INVALID, and what assembling throws */
  async build(text: string, options: RecipeBuildOptions = {}): Promise<Image> {
    using _use = await this.#parts.use();
    const recipe = await this.get(text, options);
    const { tags = [], onProgress = () => undefined, signal, lock } = options;
    const [first = isRecipeFile(text) ? recipe.name : text, ...others] = tags;
    const source = await this.#parts.open();
    const image = await source.assemble(recipe, parseReference(first), {
      onProgress,
      ...(signal !== undefined && { signal }),
      ...(lock !== undefined && { lock }),
    });
    return others.reduce((tagged, name) => this.#parts.tag(tagged, name), image);
  }
}

/** Whether a word names a file and not an image. */
export function isRecipeFile(text: string): boolean {
  return /\.ya?ml$/.test(text) && (text.includes("/") || existsSync(text));
}
