import { normalizePlatform, type Platform, parseReference, type Reference } from "#oci";
import type { RecipeDefinition } from "./recipe-definition.ts";
import type { Recipe } from "./recipe-source.ts";

/** Debian's names for the architectures of images. */
const architectures: Readonly<Record<string, string>> = {
  amd64: "amd64",
  arm64: "arm64",
  "386": "i386",
  "arm/v7": "armhf",
  "arm/v6": "armel",
  ppc64le: "ppc64el",
  s390x: "s390x",
  riscv64: "riscv64",
};

/** Debian's name of a platform, or undefined when Debian has no such port. */
export function debianArchitecture(platform: Platform): string | undefined {
  const { os, architecture, variant } = normalizePlatform(platform);
  if (os !== "linux") return undefined;
  return architectures[variant === undefined ? architecture : `${architecture}/${variant}`];
}

/** Whether a recipe may play the role of this name on this platform: names of Docker's official images have roles, digests none. */
function isRole({ registry, digest }: Reference, platform: Platform): boolean {
  return registry === "docker.io" && digest === undefined && debianArchitecture(platform) !== undefined;
}

/**
 * The recipe that plays the role of a name. Only names of Docker's official images have roles, and only tags whose version
 * a recipe really has: `golang:1.20` is not answered with 1.19. A digest names certain bytes, which no recipe makes.
 */
export function findRecipe(
  definitions: readonly RecipeDefinition[],
  reference: Reference,
  platform: Platform,
): Recipe | undefined {
  const { repository, tag } = reference;
  if (tag === undefined || !isRole(reference, platform)) return undefined;
  const definition = definitions.find(
    (candidate) => candidate.repository === repository && answersTag(candidate, tag),
  );
  return definition === undefined ? undefined : recipeOf(definition, platform);
}

/** The recipe that stands in for a name, with the sentence in what it differs. @see RecipeSource.findStandIn */
export function findStandIn(
  definitions: readonly RecipeDefinition[],
  reference: Reference,
  platform: Platform,
): Recipe | undefined {
  const { repository, tag = "latest" } = reference;
  if (!isRole(reference, platform)) return undefined;
  for (const definition of definitions) {
    if (definition.repository !== repository) continue;
    const found = definition.standsIn?.find(({ tags }) => tags.some((pattern) => fits(pattern, tag)));
    if (found !== undefined) return recipeOf(definition, platform, found.differs);
  }
  return undefined;
}

function fits(pattern: string, tag: string): boolean {
  const [head = "", tail] = pattern.split("*");
  if (tail === undefined) return tag === pattern;
  return tag.startsWith(head) && tag.endsWith(tail) && tag.length >= head.length + tail.length;
}

/** @see RecipeSource.namesBeside */
export function namesBeside(
  definitions: readonly RecipeDefinition[],
  { registry, repository }: Reference,
): readonly string[] {
  if (registry !== "docker.io") return [];
  const image = repository.replace(/^library\//, "");
  const definitionsOfIt = definitions.filter((each) => each.repository === repository);
  const own = definitionsOfIt.flatMap(({ tags, suiteTags }) => [...tags, ...(suiteTags?.tags ?? [])]);
  const standIns = definitionsOfIt.flatMap(({ standsIn = [] }) => standsIn.flatMap(({ tags }) => tags));
  // The forms with a release's name are the same again.
  const short = own.filter((tag) => !/.-(?:bookworm|trixie)$/.test(tag));
  return [...new Set(short.length > 0 ? short : standIns)].map((tag) => `${image}:${tag}`);
}

/** Newest first: what a name without a tag means when no recipe of that name is called `latest`. */
const releases = ["trixie", "bookworm"];

/**
 * The recipe of that name. With a tag it is the one that plays that role; without one it is `latest`, or that of the newest
 * release: `golang` is the newest Go that Debian has.
 */
export function findRecipeByName(
  definitions: readonly RecipeDefinition[],
  name: string,
  platform: Platform,
): Recipe | undefined {
  const reference = parseReference(name);
  const found = findRecipe(definitions, reference, platform) ?? findStandIn(definitions, reference, platform);
  const hasTag = name.slice(name.lastIndexOf("/") + 1).includes(":") || name.includes("@");
  if (found !== undefined || hasTag || debianArchitecture(platform) === undefined) return found;
  const [newest] = definitions
    .filter(({ repository }) => reference.registry === "docker.io" && repository === reference.repository)
    .toSorted((a, b) => releases.indexOf(a.release) - releases.indexOf(b.release));
  return newest === undefined ? undefined : recipeOf(newest, platform);
}

/** A recipe with the sentence that describes it. */
export function recipeOf(definition: RecipeDefinition, platform: Platform, differs?: string): Recipe {
  const { name, release } = definition;
  const role = differs === undefined ? "" : ` to stand in for it: ${differs}`;
  return Object.freeze({
    name,
    suite: release,
    description: `assembled from Debian ${release} (recipe ${name})${role}`,
    platform: normalizePlatform(platform),
    definition,
  });
}

function answersTag({ tags, suiteTags, versionOf }: RecipeDefinition, tag: string): boolean {
  if (tags.includes(tag) || suiteTags?.tags.includes(tag) === true) return true;
  // `1.19.8` or `1.19.8-bookworm` beside `1.19`: whether Debian has this very version is seen when it is assembled.
  return versionOf !== undefined && exactVersion(tags, tag) !== undefined;
}

/** The full version that a tag asks for (`1.19.8` of `1.19.8-bookworm`), when it goes further than a tag that is known. */
export function exactVersion(tags: readonly string[], tag: string): string | undefined {
  const match = /^(\d+\.\d+)(\.\d+)(-[a-z]+)?$/.exec(tag);
  const [, minor = "", patch = "", suffix = ""] = match ?? [];
  return match !== null && tags.includes(minor + suffix) ? minor + patch : undefined;
}
