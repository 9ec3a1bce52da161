import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { choosePackages, type PackagesIndex, Universe } from "#debian";
import { findLibraries } from "./mirror/find-libraries.ts";
import type { LocatedPackage } from "./mirror/package-cache.ts";
import { type Mirror, type SuiteSource, suitesOf } from "./mirror/suite.ts";
import { type ListsOptions, loadIndex, loadRelease, type VerifiedRelease } from "./mirror/suite-lists.ts";
import type { RecipeDefinition } from "./recipe-definition.ts";
import { writeWhole } from "./write-whole.ts";

/** What a recipe resolves to on a given day. */
export interface ResolvedPackages {
  readonly packages: readonly LocatedPackage[];
  /** Suite name of the release: `stable`, `oldstable`. */
  readonly suite: string | undefined;
}

/** How a recipe is resolved. */
export interface ResolveOptions {
  readonly definition: RecipeDefinition;
  /** Debian's name: `amd64`. */
  readonly architecture: string;
  readonly mirror: Mirror;
  readonly lists: ListsOptions;
  /** Folder in which answers are kept: equal lists give an equal answer. */
  readonly folder: string;
}

/**
 * The packages of a recipe, from checked package lists.
 * @throws SIGNATURE_INVALID, RELEASE_EXPIRED, INDEX_INVALID, MIRROR_UNREACHABLE, PACKAGE_NOT_FOUND,
 *   DEPENDENCY_UNSATISFIABLE, PACKAGES_CONFLICT
 */
export async function resolvePackages(options: ResolveOptions): Promise<ResolvedPackages> {
  const { definition, mirror, lists } = options;
  const sources = suitesOf(definition.release, mirror);
  const releases = await Promise.all(sources.map((source) => loadRelease(source, lists)));
  const suite = releases[0]?.release.suite;
  const path = join(options.folder, `${answerKey(options, releases)}.json`);
  const kept = readAnswer(path);
  if (kept !== undefined) return { packages: kept, suite };
  const packages = await choose(options, releases);
  mkdirSync(options.folder, { recursive: true });
  writeWhole(path, Buffer.from(JSON.stringify(packages)));
  return { packages, suite };
}

async function choose(
  { definition, architecture, lists }: ResolveOptions,
  releases: readonly VerifiedRelease[],
): Promise<readonly LocatedPackage[]> {
  const indexes = await Promise.all(
    releases.map(async (release) => ({
      source: release.source,
      index: await loadIndex(release, architecture, lists),
    })),
  );
  const universe = new Universe(indexes.map(({ index }) => index));
  const libraries = await findLibraries(definition.libraries ?? [], {
    universe,
    releases,
    architecture,
    lists,
  });
  const chosen = choosePackages({
    universe,
    architecture,
    packages: [...new Set([...wantedPackages(definition), ...libraries])],
    withRequired: definition.kind !== "distroless",
    prefer: definition.prefer ?? [],
    ignore: definition.ignore ?? [],
    place: `Debian ${definition.release}`,
  });
  return chosen.map((candidate) => ({ candidate, url: locate(indexes, candidate.name, candidate.version) }));
}

/** What was asked for, and what brings the shell of a debug image. */
export function wantedPackages({ packages, debug = false, applets }: RecipeDefinition): readonly string[] {
  return debug || applets !== undefined ? [...packages, "busybox-static"] : packages;
}

function locate(
  indexes: readonly { readonly source: SuiteSource; readonly index: PackagesIndex }[],
  name: string,
  version: string,
): string {
  const holder = indexes.find(({ index }) =>
    index.list(name).some((candidate) => candidate.version === version),
  );
  return holder?.source.url ?? "";
}

function answerKey(
  { definition, architecture }: ResolveOptions,
  releases: readonly VerifiedRelease[],
): string {
  const { release, prefer, ignore, kind } = definition;
  const facts = {
    version: 1,
    release,
    packages: wantedPackages(definition),
    libraries: definition.libraries,
    prefer,
    ignore,
    kind,
    architecture,
    lists: releases.map(({ source, digest }) => [source.url, digest]),
  };
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex").slice(0, 32);
}

function readAnswer(path: string): readonly LocatedPackage[] | undefined {
  try {
    const answer = JSON.parse(readFileSync(path, "utf8")) as readonly LocatedPackage[];
    const now = Date.now() / 1000;
    utimesSync(path, now, now);
    return answer;
  } catch {
    return undefined;
  }
}
