import { LighterError } from "#base";
import { type Dependency, formatDependency } from "#debian";
import type { Assembly } from "./assembly.ts";
import type { LinkedTree } from "./elf-files.ts";

/**
 * Proves that every program and library of an image finds what it loads: linker, libraries and their symbol versions.
 * @throws RECIPE_INVALID with the package that would mend it, as far as names tell
 */
export function proveLibraries(assembly: Assembly, linked: LinkedTree): void {
  const [first, ...others] = linked.links.faults;
  if (first === undefined) return;
  const { path, library, version } = first;
  const owner = assembly.tree.find(path)?.owner;
  const lacks =
    version === undefined
      ? `needs ${library}, which no package of the recipe has`
      : `needs version ${version} of ${library}, and the one in the image is older`;
  const more = others.length === 0 ? "" : ` (and ${others.length} more like it)`;
  throw new LighterError(
    "RECIPE_INVALID",
    `cannot assemble the image: "/${path}"${owner === undefined ? "" : ` of package ${owner}`} ${lacks}${more}; ${adviceFor(assembly, library, owner)}`,
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

/** `libssl.so.3` is in libssl3 or libssl3t64, `libnss-3.so` in libnss3. @see https://www.debian.org/doc/debian-policy/ch-sharedlibs.html */
export function packageNamesOf(soname: string): readonly string[] {
  const known: Readonly<Record<string, readonly string[]>> = {
    "libz.so.1": ["zlib1g"],
    "libcrypto.so.3": ["libssl3t64", "libssl3"],
    "libm.so.6": ["libc6"],
  };
  const [, stem = "", version = ""] =
    /^(.*?)\.so(?:\.(.*))?$/.exec(soname.toLowerCase().replaceAll("_", "-")) ?? [];
  const joined =
    /\d$/.test(stem) && version !== "" ? `${stem}-${version}` : stem.replace(/-(\d)/, "$1") + version;
  return known[soname] ?? (stem === "" ? [] : [joined, `${joined}t64`, `${stem}-${version}`]);
}
