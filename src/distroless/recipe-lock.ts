import { readFileSync } from "node:fs";
import { errorMessage, LighterError, systemErrorCode } from "#base";
import { type BinaryPackage, compareVersions, formatRelation, parseRelations } from "#debian";
import type { LocatedPackage } from "./mirror/package-cache.ts";
import type { RecipeDefinition } from "./recipe-definition.ts";
import type { Recipe } from "./recipe-source.ts";
import { wantedPackages } from "./resolve-packages.ts";
import { writeWhole } from "./write-whole.ts";

/** The packages of an image, each by version and digest: the same lock gives the same image, bit for bit. */
export interface RecipeLock {
  readonly recipe: string;
  readonly release: string;
  /** Debian's name: `amd64`. */
  readonly architecture: string;
  /** What was asked for: another recipe does not fit this lock. */
  readonly asked: readonly string[];
  /** Sorted by name. */
  readonly packages: readonly LockedPackage[];
  /** Of the development kit that a Java is cut with; nothing else of it gets into the image. */
  readonly kit?: readonly LockedPackage[];
}

/** What goes into an image, and what a part of it is made with. */
export interface ChosenPackages {
  readonly packages: readonly LocatedPackage[];
  readonly kit?: readonly LocatedPackage[] | undefined;
}

/** A package in a lock. */
export interface LockedPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** Archive and path below it. */
  readonly url: string;
  readonly filename: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  /** What decides whose file stands when two packages have it, and how dpkg names the package. */
  readonly replaces?: readonly string[];
  readonly multiArch?: BinaryPackage["multiArch"];
}

const lockVersion = 2;

/** How two sets of packages differ, by name. */
export interface PackageChange {
  readonly name: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
  readonly kind: "added" | "removed" | "newer" | "older" | "rebuilt";
}

export function makeLock(
  { name, suite, definition }: Recipe,
  architecture: string,
  { packages, kit }: ChosenPackages,
): RecipeLock {
  return {
    recipe: name,
    release: suite,
    architecture,
    asked: askedBy(definition),
    packages: packages.map((each) => lockPackage(each)),
    ...(kit !== undefined && { kit: kit.map((each) => lockPackage(each)) }),
  };
}

/** What a recipe asks for by name. */
function askedBy(definition: RecipeDefinition): readonly string[] {
  const { libraries = [], jlink } = definition;
  return [
    ...wantedPackages(definition),
    ...libraries,
    ...(jlink === undefined ? [] : [jlink.package]),
  ].sort();
}

/** @throws RECIPE_INVALID when the lock is for something else than the recipe is now */
export function rejectOtherLock(recipe: Recipe, architecture: string, lock: RecipeLock): void {
  const refuse = (why: string) =>
    new LighterError("RECIPE_INVALID", `cannot assemble "${recipe.name}": its lock is ${why}; lock it anew`);
  if (lock.release !== recipe.suite || lock.architecture !== architecture)
    throw refuse(`for ${lock.release} on ${lock.architecture}, not for ${recipe.suite} on ${architecture}`);
  const asked = askedBy(recipe.definition);
  const added = asked.find((each) => !lock.asked.includes(each));
  const gone = lock.asked.find((each) => !asked.includes(each));
  if (added !== undefined) throw refuse(`of a time when the recipe did not ask for "${added}"`);
  if (gone !== undefined) throw refuse(`of a time when the recipe still asked for "${gone}"`);
  const { ignore = [] } = recipe.definition;
  const ignored = lock.packages.find(({ name }) => ignore.includes(name) && !asked.includes(name));
  if (ignored !== undefined) throw refuse(`of a time when the recipe did not ignore "${ignored.name}"`);
}

function lockPackage({ candidate, url }: LocatedPackage): LockedPackage {
  const { name, version, architecture, filename, sizeBytes, sha256, replaces, multiArch } = candidate;
  return {
    name,
    version,
    architecture,
    url,
    filename,
    sizeBytes,
    sha256,
    ...(replaces.length > 0 && { replaces: replaces.map((relation) => formatRelation(relation)) }),
    ...(multiArch !== "no" && { multiArch }),
  };
}

/** The packages that a lock names, as the assembly takes them. */
export function packagesOfLock({ packages, kit, architecture }: RecipeLock): ChosenPackages {
  const all = (list: readonly LockedPackage[]) => list.map((each) => locate(each, architecture));
  return { packages: all(packages), ...(kit !== undefined && { kit: all(kit) }) };
}

function locate(
  { replaces = [], multiArch = "no", url, ...rest }: LockedPackage,
  architecture: string,
): LocatedPackage {
  return {
    url,
    candidate: {
      ...rest,
      multiArch,
      isEssential: false,
      priority: "optional",
      dependencies: [],
      provides: [],
      conflicts: [],
      breaks: [],
      replaces: parseRelations(replaces.join(", ") || undefined, architecture),
      installedBytes: 0,
    },
  };
}

/** Every package that a lock names, those that only help to make the image too. */
export function allPackages({ packages, kit = [] }: RecipeLock): readonly LockedPackage[] {
  return [...new Map([...kit, ...packages].map((each) => [each.name, each])).values()];
}

/** What changed from one set to another, by name. */
export function comparePackages(
  before: readonly Pick<LockedPackage, "name" | "version" | "sha256">[],
  after: readonly Pick<LockedPackage, "name" | "version" | "sha256">[],
): readonly PackageChange[] {
  const old = new Map(before.map((each) => [each.name, each]));
  const now = new Map(after.map((each) => [each.name, each]));
  const names = [...new Set([...old.keys(), ...now.keys()])].sort();
  return names.flatMap((name): readonly PackageChange[] => {
    const [a, b] = [old.get(name), now.get(name)];
    if (a?.sha256 === b?.sha256) return [];
    return [{ name, before: a?.version, after: b?.version, kind: kindOf(a?.version, b?.version) }];
  });
}

function kindOf(before: string | undefined, after: string | undefined): PackageChange["kind"] {
  if (before === undefined) return "added";
  if (after === undefined) return "removed";
  const order = compareVersions(after, before);
  return order > 0 ? "newer" : order < 0 ? "older" : "rebuilt";
}

/** Refuses to go back: an archive that offers less than the lock has is old, or not the one it says it is. */
export function rejectDowngrade(changes: readonly PackageChange[], path: string): void {
  const older = changes.find(({ kind }) => kind === "older");
  if (older === undefined) return;
  throw new LighterError(
    "RECIPE_INVALID",
    `cannot lock "${path}": the archive has ${older.name} ${older.after}, older than ${older.before} in the lock; remove the lock file to accept it`,
  );
}

export function writeLock(path: string, lock: RecipeLock): void {
  writeWhole(path, Buffer.from(`${JSON.stringify({ version: lockVersion, ...lock }, undefined, 2)}\n`));
}

/**
 * Reads a lock; undefined when there is none, unless it must exist.
 * @throws RECIPE_INVALID when the file is no lock or of another version; RECIPE_NOT_FOUND
 */
export function readLock(
  path: string,
  options: { readonly mustExist?: boolean } = {},
): RecipeLock | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    if (options.mustExist !== true && systemErrorCode(cause) === "ENOENT") return undefined;
    throw new LighterError(
      "RECIPE_NOT_FOUND",
      `cannot read lock "${path}": ${errorMessage(cause)}; write one with "lighter recipe lock"`,
      { cause },
    );
  }
  const lock = parseJson(text);
  if (isLock(lock)) return lock;
  throw new LighterError(
    "RECIPE_INVALID",
    `cannot read lock "${path}": it is damaged or of another version; write it anew with "lighter recipe lock"`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isLock(value: unknown): value is RecipeLock {
  const lock = value as (Partial<RecipeLock> & { readonly version?: number }) | undefined | null;
  return (
    lock?.version === lockVersion &&
    typeof lock.architecture === "string" &&
    Array.isArray(lock.asked) &&
    lock.asked.every((each) => typeof each === "string") &&
    isPackageList(lock.packages) &&
    (lock.kit === undefined || isPackageList(lock.kit))
  );
}

function isPackageList(value: unknown): boolean {
  return Array.isArray(value) && value.every((each) => isLockedPackage(each));
}

const patterns: Readonly<Record<string, RegExp>> = {
  name: /^[a-z0-9][a-z0-9+.-]*$/,
  version: /^[A-Za-z0-9.+:~-]+$/,
  architecture: /^[a-z0-9-]+$/,
  url: /^https?:\/\/[^\s]+$/,
  filename: /^(?!.*(?:^|\/)\.\.?(?:\/|$))[A-Za-z0-9.+~_%:-][A-Za-z0-9.+~_%:/-]*\.u?deb$/,
  sha256: /^[0-9a-f]{64}$/,
};

function isLockedPackage(value: unknown): boolean {
  const entry = value as Readonly<Record<string, unknown>> | null;
  if (entry === null || typeof entry !== "object") return false;
  const texts = Object.entries(patterns).every(([field, pattern]) => pattern.test(String(entry[field])));
  return texts && Number.isSafeInteger(entry["sizeBytes"]) && Number(entry["sizeBytes"]) >= 0;
}
