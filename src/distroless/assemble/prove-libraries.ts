import { LighterError } from "#base";
import { type Dependency, formatDependency } from "#debian";
import type { Assembly } from "./assembly.ts";
import type { LinkedTree } from "./elf-files.ts";
import { packageNamesOf } from "./library-packages.ts";

/**
 * Proves that every program and library of an image finds what it loads: linker, libraries and their symbol versions.
 * @throws RECIPE_INVALID with the package that would mend it, as far as names tell
 */
export function proveLibraries(assembly: Assembly, linked: LinkedTree): void {
  const [first, ...others] = linked.links.faults;
  if (first === undefined) return;
  const { path, library, version } = first;
  const node = assembly.tree.find(path);
  const owner = node?.owner;
  const lacks =
    version === undefined
      ? `needs ${library}, which no package of the recipe has`
      : `needs version ${version} of ${library}, and the one in the image is older`;
  const more = others.length === 0 ? "" : ` (and ${others.length} more like it)`;
  throw new LighterError(
    "RECIPE_INVALID",
    `cannot assemble the image: "${node === undefined ? path : `/${path}`}"${owner === undefined ? "" : ` of package ${owner}`} ${lacks}${more}; ${adviceFor(assembly, library, owner)}`,
    { details: { faults: linked.links.faults } },
  );
}

/** The package that Debian's rule for names gives a soname, when it is among the dependencies that were left out. */
function adviceFor({ packages }: Assembly, library: string, owner: string | undefined): string {
  const candidate = owner === undefined ? undefined : packages.get(owner)?.candidate;
  const present = new Set(
    [...packages.values()].flatMap(({ candidate: each }) => [
      each.name,
      ...each.provides.map(({ name }) => name),
    ]),
  );
  const leftOut = (candidate?.dependencies ?? []).filter(
    (dependency) => !dependency.some(({ name }) => present.has(name)),
  );
  const names = packageNamesOf(library);
  const likely = leftOut.find((dependency) => dependency.some(({ name }) => names.includes(name)));
  if (likely !== undefined) return `add package ${nameIn(likely, names)}`;
  return `add the package that has it, named like ${names[0] ?? library}`;
}

function nameIn(dependency: Dependency, names: readonly string[]): string {
  return dependency.find(({ name }) => names.includes(name))?.name ?? formatDependency(dependency);
}
