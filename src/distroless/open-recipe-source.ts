import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Cleanup, LighterError, type OnProgress } from "#base";
import type { Host } from "#host";
import type { Image, ImageStore } from "#image";
import { familiarReference, type Platform, type Reference } from "#oci";
import type { Runtime } from "#runtime";
import type { Snapshotter } from "#snapshot";
import { findOrAssemble, type TreeRequest } from "./find-or-assemble.ts";
import {
  debianArchitecture,
  exactVersion,
  findRecipe,
  findRecipeByName,
  findStandIn,
  namesBeside,
  recipeOf,
} from "./find-recipe.ts";
import { imageConfig, installedVersion } from "./image-config.ts";
import type { ArchiveKey } from "./keys/debian-archive.ts";
import { HttpClient, type HttpOptions } from "./mirror/http-client.ts";
import { PackageCache } from "./mirror/package-cache.ts";
import { poolUsage, prunePool } from "./mirror/package-pool.ts";
import type { Mirror } from "./mirror/suite.ts";
import type { ListsOptions } from "./mirror/suite-lists.ts";
import type { RecipeDefinition } from "./recipe-definition.ts";
import {
  type ChosenPackages,
  makeLock,
  packagesOfLock,
  type RecipeLock,
  rejectOtherLock,
} from "./recipe-lock.ts";
import type { Recipe, RecipeSource } from "./recipe-source.ts";
import { builtinRecipes } from "./recipes/index.ts";
import { type ResolvedPackages, resolvePackages } from "./resolve-packages.ts";
import { openUsedPackages } from "./used-packages.ts";

/** What the recipes work with. */
export interface RecipeSourceOptions {
  /** The store; packages and lists are kept in `packages/` below it. */
  readonly root: string;
  readonly host: Host;
  /** Runs jlink; recipes that have none do without. */
  readonly findRuntime?: () => Promise<Runtime>;
  readonly snapshots: Snapshotter;
  readonly images: ImageStore;
  readonly mirror?: Mirror;
  readonly http?: HttpOptions;
  /** @defaultValue Debian's archive keys */
  readonly keys?: readonly ArchiveKey[];
  /** @defaultValue `debian`, `debian-slim` and `golang` of bookworm and trixie */
  readonly definitions?: readonly RecipeDefinition[];
  /** What kept packages may take after an assembly. @defaultValue no limit */
  readonly poolLimitBytes?: number;
  /** How long package lists are used without asking the mirror again. @defaultValue one hour */
  readonly maxAgeMs?: number;
  readonly now?: () => Date;
  readonly onWarning?: (text: string) => void;
}

/** Opens the recipes. Nothing is read, loaded or downloaded before the first assembly. */
export function openRecipeSource(options: RecipeSourceOptions): RecipeSource {
  const definitions = options.definitions ?? builtinRecipes;
  const platform: Platform = { os: "linux", architecture: process.arch === "arm64" ? "arm64" : "amd64" };
  return {
    find: (reference, wanted) => findRecipe(definitions, reference, wanted),
    findStandIn: (reference, wanted) => findStandIn(definitions, reference, wanted),
    namesBeside: (reference) => namesBeside(definitions, reference),
    findByName: (name, wanted) => findRecipeByName(definitions, name, wanted),
    list: () => definitions.map((definition) => recipeOf(definition, platform)),
    read: async (path, wanted) => {
      // YAML is read for files of the user's own only.
      const { readRecipe } = await import("./recipe-file/read-recipe.ts");
      const findBuiltin = (name: string) => findRecipeByName(definitions, name, wanted)?.definition;
      const readImage = (name: string, file: string) =>
        readFromImage(options, { name, file, platform: wanted });
      const architecture = debianArchitecture(wanted) ?? "";
      return recipeOf(await readRecipe(path, { findBuiltin, readImage, architecture }), wanted);
    },
    findPackage: openUsedPackages(join(options.root, "packages", "sets")),
    poolUsage: () => poolUsage(join(options.root, "packages")),
    prunePool: async (keepBytes) => {
      const folder = join(options.root, "packages");
      mkdirSync(folder, { recursive: true });
      using _lock = await options.host.locks.acquire(join(folder, "lock"), "exclusive");
      return prunePool(folder, { keepBytes, now: options.now?.() ?? new Date() });
    },
    lock: (recipe, { signal } = {}) => lock({ ...options, recipe, ...(signal && { signal }) }),
    assemble: (recipe, reference, { onProgress, signal, lock: locked }) =>
      assemble({
        ...options,
        recipe,
        reference,
        onProgress,
        ...(locked && { locked }),
        ...(signal && { signal }),
      }),
  };
}

interface Question extends RecipeSourceOptions {
  readonly recipe: Recipe;
  readonly signal?: AbortSignal;
}

interface Task extends Question {
  readonly reference: Reference | undefined;
  readonly onProgress: OnProgress;
  readonly locked?: RecipeLock;
}

/** A file of an image in the store, for `binaries`. */
async function readFromImage(
  { images, snapshots, host }: RecipeSourceOptions,
  { name, file, platform }: { readonly name: string; readonly file: string; readonly platform: Platform },
): Promise<Buffer | undefined> {
  const { readImageFile } = await import("./recipe-file/read-image-file.ts");
  const snapshot = await images.unpack(images.get(name, { platform }));
  return snapshot === undefined ? undefined : readImageFile(snapshots.layers(snapshot), file, host.files);
}

async function lock(question: Question): Promise<RecipeLock> {
  const folder = join(question.root, "packages");
  mkdirSync(folder, { recursive: true });
  using _lock = await question.host.locks.acquire(join(folder, "lock"), "exclusive", question.signal);
  using client = new HttpClient(question.http);
  const { packages } = await resolve(question, folder, client);
  const kit = await resolveKit(question, folder, client);
  return makeLock(question.recipe, architectureOf(question.recipe), { packages, kit });
}

/** A lock says it all; without one the archive is asked. */
async function packagesFor(task: Task, folder: string, client: HttpClient): Promise<ChosenPackages> {
  if (task.locked !== undefined) {
    rejectOtherLock(task.recipe, architectureOf(task.recipe), task.locked);
    return packagesOfLock(task.locked);
  }
  const resolved = await resolve(task, folder, client);
  checkTag(task, resolved);
  return { packages: resolved.packages, kit: await resolveKit(task, folder, client) };
}

/** The development kit of a Java that is cut, with what it needs. */
async function resolveKit(
  question: Question,
  folder: string,
  client: HttpClient,
): Promise<ChosenPackages["kit"]> {
  const { definition } = question.recipe;
  if (definition.jlink === undefined) return undefined;
  const { kitDefinition } = await import("./jlink/link-java.ts");
  const kit = kitDefinition(definition, definition.jlink.package);
  const recipe = { ...question.recipe, definition: kit };
  return (await resolve({ ...question, recipe }, folder, client)).packages;
}

async function assemble(task: Task): Promise<Image> {
  const folder = join(task.root, "packages");
  mkdirSync(folder, { recursive: true });
  await using cleanup = new Cleanup();
  // One process at a time: a second one that wants the same finds it done, and partial downloads have one writer.
  cleanup.use(await task.host.locks.acquire(join(folder, "lock"), "exclusive", task.signal));
  const client = cleanup.use(new HttpClient(task.http));
  const choosing = { id: "choose packages", label: "choose packages", unit: "items" } as const;
  task.onProgress({ ...choosing, current: 0 });
  const chosen = await packagesFor(task, folder, client);
  const { packages } = chosen;
  task.onProgress({ ...choosing, current: packages.length, done: true });
  const cache = new PackageCache({ folder: join(folder, "pool"), client });
  const tree = await findOrAssemble(await treeRequest(task, chosen, { folder, client, cache }));
  const layers = [];
  for (const name of tree.layers) layers.push(await task.images.commitLayer(name));
  if (task.poolLimitBytes !== undefined)
    prunePool(folder, { keepBytes: task.poolLimitBytes, now: task.now?.() ?? new Date() });
  const { name, description } = task.recipe;
  return task.images.create({
    config: imageConfig(task.recipe, packages, { epochSeconds: tree.epochSeconds, layers: layers.length }),
    layers,
    names: task.reference === undefined ? [] : [task.reference],
    origin: { kind: "recipe", recipe: name, description },
  });
}

async function treeRequest(
  task: Task,
  { packages, kit }: ChosenPackages,
  {
    folder,
    client,
    cache,
  }: { readonly folder: string; readonly client: HttpClient; readonly cache: PackageCache },
): Promise<TreeRequest> {
  const { snapshots, host, onProgress, signal, recipe, findRuntime } = task;
  const { definition } = recipe;
  const request = {
    definition,
    architecture: architectureOf(recipe),
    packages,
    snapshots,
    codecs: host.codecs,
    cache,
    onProgress,
    ...(signal !== undefined && { signal }),
  };
  if (definition.jlink === undefined || kit === undefined) return request;
  if (findRuntime === undefined)
    throw new LighterError("INTERNAL", "cannot cut a Java: there is no way to run jlink");
  const { javaOf } = await import("./jlink/java-task.ts");
  const { kitDefinition } = await import("./jlink/link-java.ts");
  const hostPlatform = { ...recipe.platform, architecture: process.arch === "arm64" ? "arm64" : "amd64" };
  const version = kit.find(({ candidate }) => candidate.name === definition.jlink?.package)?.candidate
    .version;
  const java = javaOf({
    ...request,
    cut: definition.jlink,
    kit,
    hostArchitecture: architectureOf({ ...recipe, platform: hostPlatform }),
    // Modules and the jlink that reads them are of one version.
    hostKit: async () => {
      const own = kitDefinition(definition, `${definition.jlink?.package} (= ${version})`);
      const other = { ...recipe, platform: hostPlatform, definition: own };
      return (await resolve({ ...task, recipe: other }, folder, client)).packages;
    },
    parts: { host, findRuntime, runDirectory: join(task.root, "run") },
  });
  return { ...request, java };
}

async function resolve(task: Question, folder: string, client: HttpClient): Promise<ResolvedPackages> {
  const { recipe, mirror = {}, maxAgeMs = 3_600_000, now = () => new Date() } = task;
  const lists: ListsOptions = {
    folder: join(folder, "lists"),
    client,
    codecs: task.host.codecs,
    keys: task.keys ?? (await import("./keys/debian-archive.ts")).debianArchiveKeys,
    now,
    maxAgeMs,
    onWarning: task.onWarning ?? (() => {}),
    ...(task.signal && { signal: task.signal }),
  };
  const architecture = architectureOf(recipe);
  return await resolvePackages({
    definition: recipe.definition,
    architecture,
    mirror,
    lists,
    folder: join(folder, "sets"),
  });
}

/** A tag may promise more than the recipe's name says: a full version, or to be Debian's stable release. */
function checkTag({ recipe, reference }: Task, { packages, suite }: ResolvedPackages): void {
  if (reference === undefined) return;
  const { tags, suiteTags, versionOf, release } = recipe.definition;
  const { tag = "" } = reference;
  const image = familiarReference(reference);
  if (suiteTags?.tags.includes(tag) === true && suite !== suiteTags.suite)
    throw new LighterError(
      "RECIPE_INVALID",
      `cannot assemble "${image}": Debian ${release} is now "${suite ?? "unknown"}", not "${suiteTags.suite}"; name the release instead, as debian:${release}`,
    );
  const exact = exactVersion(tags, tag);
  if (exact === undefined || versionOf === undefined) return;
  const version = installedVersion(packages, versionOf);
  if (version !== exact)
    throw new LighterError(
      "RECIPE_NOT_FOUND",
      `cannot assemble "${image}": Debian ${release} has version ${version}; name that one, or ${tags[0]}`,
    );
}

function architectureOf({ platform }: Recipe): string {
  const architecture = debianArchitecture(platform);
  if (architecture === undefined)
    throw new LighterError(
      "PLATFORM_INVALID",
      `cannot assemble for ${platform.os}/${platform.architecture}: Debian has no such port`,
    );
  return architecture;
}
