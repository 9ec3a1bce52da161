import { createHash } from "node:crypto";
import { setMaxListeners } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Cleanup, LighterError, type OnProgress } from "#base";
import type { Host } from "#host";
import type { Image, ImageStore } from "#image";
import { familiarReference, type Platform, type Reference } from "#oci";
import type { SnapshotName, Snapshotter } from "#snapshot";
import { assembleSystem } from "./assemble/assemble.ts";
import { assembleDistroless } from "./assemble/assemble-distroless.ts";
import { inUnpackOrder } from "./assemble/unpack-all.ts";
import { debianArchitecture, exactVersion, findRecipe, findRecipeByName, recipeOf } from "./find-recipe.ts";
import { imageConfig, installedVersion } from "./image-config.ts";
import type { ArchiveKey } from "./keys/debian-archive.ts";
import { HttpClient, type HttpOptions } from "./mirror/http-client.ts";
import { downloadAll, type LocatedPackage, PackageCache } from "./mirror/package-cache.ts";
import type { Mirror } from "./mirror/suite.ts";
import type { ListsOptions } from "./mirror/suite-lists.ts";
import type { RecipeDefinition } from "./recipe-definition.ts";
import { makeLock, packagesOfLock, type RecipeLock } from "./recipe-lock.ts";
import type { Recipe, RecipeSource } from "./recipe-source.ts";
import { debianRecipes } from "./recipes/debian.ts";
import { distrolessRecipes } from "./recipes/distroless.ts";
import { golangRecipes } from "./recipes/golang.ts";
import { languageRecipes } from "./recipes/languages.ts";
import { smallRecipes } from "./recipes/small.ts";
import { type ResolvedPackages, resolvePackages } from "./resolve-packages.ts";
import { openUsedPackages } from "./used-packages.ts";

/** What the recipes work with. */
export interface RecipeSourceOptions {
  /** The store; packages and lists are kept in `packages/` below it. */
  readonly root: string;
  readonly host: Pick<Host, "codecs" | "locks">;
  readonly snapshots: Snapshotter;
  readonly images: ImageStore;
  readonly mirror?: Mirror;
  readonly http?: HttpOptions;
  /** @defaultValue Debian's archive keys */
  readonly keys?: readonly ArchiveKey[];
  /** @defaultValue `debian`, `debian-slim` and `golang` of bookworm and trixie */
  readonly definitions?: readonly RecipeDefinition[];
  /** How long package lists are used without asking the mirror again. @defaultValue one hour */
  readonly maxAgeMs?: number;
  readonly now?: () => Date;
  readonly onWarning?: (text: string) => void;
}

/** Raised when an equal set of packages is assembled to a different tree. */
const assemblyVersion = 4;

const builtinRecipes = [
  ...debianRecipes,
  ...golangRecipes,
  ...languageRecipes,
  ...smallRecipes,
  ...distrolessRecipes,
];

/** Opens the recipes. Nothing is read, loaded or downloaded before the first assembly. */
export function openRecipeSource(options: RecipeSourceOptions): RecipeSource {
  const definitions = options.definitions ?? builtinRecipes;
  const platform: Platform = { os: "linux", architecture: process.arch === "arm64" ? "arm64" : "amd64" };
  return {
    find: (reference, wanted) => findRecipe(definitions, reference, wanted),
    findByName: (name, wanted) => findRecipeByName(definitions, name, wanted),
    list: () => definitions.map((definition) => recipeOf(definition, platform)),
    read: async (path, wanted) => {
      // YAML is read for files of the user's own only.
      const { readRecipe } = await import("./recipe-file/read-recipe.ts");
      const findBuiltin = (name: string) => findRecipeByName(definitions, name, wanted)?.definition;
      return recipeOf(readRecipe(path, findBuiltin), wanted);
    },
    findPackage: openUsedPackages(join(options.root, "packages", "sets")),
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

async function lock(question: Question): Promise<RecipeLock> {
  const folder = join(question.root, "packages");
  mkdirSync(folder, { recursive: true });
  using _lock = await question.host.locks.acquire(join(folder, "lock"), "exclusive", question.signal);
  using client = new HttpClient(question.http);
  const { packages } = await resolve(question, folder, client);
  const { name, suite } = question.recipe;
  return makeLock({ recipe: name, release: suite, architecture: architectureOf(question.recipe) }, packages);
}

/** A lock says it all; without one the archive is asked. */
async function packagesFor(
  task: Task,
  folder: string,
  client: HttpClient,
): Promise<readonly LocatedPackage[]> {
  if (task.locked !== undefined) {
    rejectOther(task.recipe, task.locked);
    return packagesOfLock(task.locked);
  }
  const resolved = await resolve(task, folder, client);
  checkTag(task, resolved);
  return resolved.packages;
}

function rejectOther(recipe: Recipe, { release, architecture }: RecipeLock): void {
  const expected = architectureOf(recipe);
  if (release === recipe.suite && architecture === expected) return;
  throw new LighterError(
    "RECIPE_INVALID",
    `cannot assemble "${recipe.name}": its lock is for ${release} on ${architecture}, not for ${recipe.suite} on ${expected}; lock it anew`,
  );
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
  const packages = await packagesFor(task, folder, client);
  task.onProgress({ ...choosing, current: packages.length, done: true });
  const snapshot = await findOrAssemble(
    task,
    packages,
    new PackageCache({ folder: join(folder, "pool"), client }),
  );
  const layer = await task.images.commitLayer(snapshot.name);
  const { name, description } = task.recipe;
  return task.images.create({
    config: imageConfig(task.recipe, packages, snapshot.epochSeconds),
    layers: [layer],
    names: task.reference === undefined ? [] : [task.reference],
    origin: { kind: "recipe", recipe: name, description },
  });
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

async function findOrAssemble(
  task: Task,
  packages: readonly LocatedPackage[],
  cache: PackageCache,
): Promise<{ readonly name: SnapshotName; readonly epochSeconds: number }> {
  const { snapshots } = task;
  const key = assemblyKey(task.recipe, packages);
  const finished = snapshots.list().find((name) => name.startsWith(`recipe-${key}-`));
  if (finished !== undefined) return { name: finished, epochSeconds: Number(finished.split("-").at(-1)) };
  await using active = snapshots.prepare(undefined);
  await using cleanup = new Cleanup();
  const cancel = new AbortController();
  const signal = task.signal === undefined ? cancel.signal : AbortSignal.any([cancel.signal, task.signal]);
  // Every request listens, and there may be hundreds.
  setMaxListeners(0, signal);
  const download = downloadAll(cache, inUnpackOrder(packages), { onProgress: task.onProgress, signal });
  // Unpacking meets the same failure at the package it waits for; either way no download outlives this function.
  cleanup.defer(async () => void (await Promise.allSettled([download])));
  cleanup.defer(() => cancel.abort());
  const assembleTree = task.recipe.definition.kind === "distroless" ? assembleDistroless : assembleSystem;
  const assembling = assembleTree({
    root: active.upper,
    definition: task.recipe.definition,
    packages,
    architecture: architectureOf(task.recipe),
    cache,
    codecs: task.host.codecs,
    onProgress: task.onProgress,
    signal,
  });
  const [{ epochSeconds }] = await Promise.all([assembling, download]).catch(async (error: unknown) => {
    cancel.abort();
    await Promise.allSettled([assembling]);
    throw error;
  });
  return { name: snapshots.commit(active, `recipe-${key}-${epochSeconds}`), epochSeconds };
}

function assemblyKey({ definition }: Recipe, packages: readonly LocatedPackage[]): string {
  // What says how containers start is not in the tree: images that differ in it share one layer.
  const { kind, release, pathRules, trim, debug, applets, directories, links, users, ignore } = definition;
  const files = definition.files?.map(({ source, ...file }) => ({ ...file, source: source?.sha256 }));
  const facts = {
    assemblyVersion,
    kind,
    release,
    pathRules,
    trim,
    debug,
    applets,
    directories,
    files,
    links,
    users,
    ignore,
    requested: definition.trim?.includes("unused-libraries") === true ? definition.packages : undefined,
    packages: packages.map(({ candidate }) => candidate.sha256),
  };
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex").slice(0, 32);
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
