import { normalizePlatform, type Platform, type Reference } from "#oci";
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

/**
 * The recipe that plays the role of a name. Only names of Docker's official images have roles, and only tags whose version
 * a recipe really has: `golang:1.20` is not answered with 1.19. A digest names certain bytes, which no recipe makes.
 */
export function findRecipe(
  definitions: readonly RecipeDefinition[],
  reference: Reference,
  platform: Platform,
): Recipe | undefined {
  const { registry, repository, tag, digest } = reference;
  if (registry !== "docker.io" || digest !== undefined || tag === undefined) return undefined;
  if (debianArchitecture(platform) === undefined) return undefined;
  const definition = definitions.find(
    (candidate) => candidate.repository === repository && answersTag(candidate, tag),
  );
  return definition === undefined ? undefined : recipeOf(definition, platform);
}

/**
 * The name on docker.io whose role a name plays, when a pattern says that it does: `gcr.io/distroless/base` is
 * `distroless/base`. A `*` stands for anything.
 */
export function roleOf(reference: Reference, patterns: readonly string[]): Reference {
  const { registry, repository } = reference;
  const name = `${registry}/${repository}`;
  const matches = (pattern: string) =>
    new RegExp(
      `^${pattern
        .split("*")
        .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"))
        .join(".*")}$`,
    ).test(name);
  return patterns.some(matches) ? { ...reference, registry: "docker.io" } : reference;
}

/** A recipe with the sentence that describes it. */
export function recipeOf(definition: RecipeDefinition, platform: Platform): Recipe {
  const { name, release } = definition;
  return Object.freeze({
    name,
    suite: release,
    description: `assembled from Debian ${release} (recipe ${name})`,
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
