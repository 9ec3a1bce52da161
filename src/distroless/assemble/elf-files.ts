import { type ElfFile, isElf, type LinkMap, linkTree, readElf } from "#elf";
import type { RecipeDefinition } from "../recipe-definition.ts";
import type { Assembly } from "./assembly.ts";
import { listDirectories } from "./library-cache.ts";

/** Debian's directories for libraries, by architecture. @see https://wiki.debian.org/Multiarch/Tuples */
const triplets: Readonly<Record<string, string>> = {
  amd64: "x86_64-linux-gnu",
  arm64: "aarch64-linux-gnu",
  riscv64: "riscv64-linux-gnu",
  ppc64el: "powerpc64le-linux-gnu",
};

/** The programs and libraries of a tree, and what they load. */
export interface LinkedTree {
  /** By real path. */
  readonly files: ReadonlyMap<string, ElfFile>;
  readonly links: LinkMap;
  /** Real directories that the linker searches by itself. */
  readonly directories: ReadonlySet<string>;
}

/**
 * Reads every ELF file of a tree and finds what each would load.
 * @param further programs that are not in the tree, or not yet
 */
export function linkAssembly(assembly: Assembly, further: ReadonlyMap<string, ElfFile>): LinkedTree {
  const { tree } = assembly;
  const placeOf = (path: string) => {
    const slash = path.lastIndexOf("/");
    const parent = tree.resolve(path.slice(0, Math.max(0, slash)));
    const name = path.slice(slash + 1);
    return parent === undefined ? undefined : parent === "" ? name : `${parent}/${name}`;
  };
  const files = new Map([...further].map(([path, file]) => [placeOf(path) ?? path, file]));
  for (const [path, node] of tree.entries()) {
    if (node.kind !== "file" || holdsOnlyData(path) || !isElf(tree.readHead(path, 4))) continue;
    const bytes = tree.read(path);
    const file = bytes && readElf(bytes);
    if (file !== undefined) files.set(path, file);
  }
  const directories = searchedDirectories(assembly);
  const resolve = (path: string) => {
    const own = placeOf(path);
    return tree.resolve(path) ?? (own !== undefined && files.has(own) ? own : undefined);
  };
  const links = linkTree({ files, directories, resolve });
  const real = directories.flatMap((directory) => tree.resolve(directory) ?? []);
  return { files, links, directories: new Set(real) };
}

/** The programs that a recipe itself names or brings, by path in the image, or by their name in the recipe. */
export function programsOf({ binaries = [], files = [] }: RecipeDefinition): ReadonlyMap<string, ElfFile> {
  const named = binaries.map(({ name, bytes }) => [`recipe's ${name}`, bytes] as const);
  const brought = files.flatMap(({ path, source }) =>
    source === undefined ? [] : [[path, source.bytes] as const],
  );
  return new Map(
    [...named, ...brought].flatMap(([path, bytes]) => {
      const file = readElf(Buffer.from(bytes));
      return file === undefined ? [] : [[path, file] as const];
    }),
  );
}

/** As Debian's linker does: what is configured, then its built-in directories, those of the architecture first. */
function searchedDirectories(assembly: Assembly): readonly string[] {
  const triplet = triplets[assembly.architecture];
  const wide = triplet === undefined ? [] : [`/lib/${triplet}`, `/usr/lib/${triplet}`];
  return [...listDirectories(assembly), ...wide, "/lib", "/usr/lib", "/lib64"];
}

/** Directories of thousands of small files of which none is a program. */
export function holdsOnlyData(path: string): boolean {
  return /^usr\/share\/(?:zoneinfo|doc|ca-certificates|locale|man|i18n)\//.test(path);
}
