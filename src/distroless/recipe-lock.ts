import { readFileSync } from "node:fs";
import { errorMessage, LighterError, systemErrorCode } from "#base";
import { type BinaryPackage, compareVersions, formatRelation, parseRelations } from "#debian";
import type { LocatedPackage } from "./mirror/package-cache.ts";
import { writeWhole } from "./write-whole.ts";

/** The packages of an image, each by version and digest: the same lock gives the same image, bit for bit. */
export interface RecipeLock {
  readonly recipe: string;
  readonly release: string;
  /** Debian's name: `amd64`. */
  readonly architecture: string;
  /** Sorted by name. */
  readonly packages: readonly LockedPackage[];
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

const lockVersion = 1;

/** How two sets of packages differ, by name. */
export interface PackageChange {
  readonly name: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
  readonly kind: "added" | "removed" | "newer" | "older" | "rebuilt";
}

export function makeLock(
  facts: Pick<RecipeLock, "recipe" | "release" | "architecture">,
  packages: readonly LocatedPackage[],
): RecipeLock {
  return { ...facts, packages: packages.map((each) => lockPackage(each)) };
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
export function packagesOfLock({ packages, architecture }: RecipeLock): readonly LocatedPackage[] {
  return packages.map(({ replaces = [], multiArch = "no", url, ...rest }) => ({
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
  }));
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
    Array.isArray(lock.packages) &&
    lock.packages.every((each) => isLockedPackage(each))
  );
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
