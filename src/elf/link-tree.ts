import type { ElfFile } from "./elf-file.ts";

/** The ELF files of a tree, and a way to follow its links. Paths are real and have no leading slash. */
export interface LibraryTree {
  readonly files: ReadonlyMap<string, ElfFile>;
  /** The real path behind a path, or undefined when nothing is there. */
  resolve(path: string): string | undefined;
  /** Directories that the linker searches by itself, in order. */
  readonly directories: readonly string[];
}

/** A file that cannot be loaded, and why. */
export interface LinkFault {
  readonly path: string;
  /** The library, or the linker, that it asks for. */
  readonly library: string;
  /** A version that the library does not have; undefined when the library itself is absent. */
  readonly version: string | undefined;
}

/** Which file loads which. */
export interface LinkMap {
  /** Real paths of what each file loads, its linker included. */
  readonly loads: ReadonlyMap<string, readonly string[]>;
  readonly faults: readonly LinkFault[];
}

/** Finds, for each ELF file of a tree, what the dynamic linker would load for it, and what it would not find. */
export function linkTree(tree: LibraryTree): LinkMap {
  const loads = new Map<string, readonly string[]>();
  const faults: LinkFault[] = [];
  const privates = privateLibraries(tree);
  for (const [path, file] of tree.files) {
    const found = new Map<string, string>();
    for (const library of file.needed) {
      const real = findLibrary(tree, { path, file, library }) ?? privates.get(library);
      if (real === undefined) faults.push({ path, library, version: undefined });
      else found.set(library, real);
    }
    const interpreter = file.interpreter === undefined ? undefined : tree.resolve(file.interpreter);
    if (file.interpreter !== undefined && interpreter === undefined)
      faults.push({ path, library: file.interpreter, version: undefined });
    for (const { library, version } of file.neededVersions) {
      const real = found.get(library);
      const provider = real === undefined ? undefined : tree.files.get(real);
      // A library with no versions at all is taken as it is: the linker only warns.
      if (provider === undefined || provider.definedVersions.length === 0) continue;
      if (!provider.definedVersions.includes(version)) faults.push({ path, library, version });
    }
    loads.set(path, [...found.values(), ...(interpreter === undefined ? [] : [interpreter])]);
  }
  return { loads, faults };
}

function findLibrary(
  tree: LibraryTree,
  { path, file, library }: { readonly path: string; readonly file: ElfFile; readonly library: string },
): string | undefined {
  if (library.includes("/")) return tree.resolve(library);
  const origin = `/${path.slice(0, Math.max(0, path.lastIndexOf("/")))}`;
  const own = file.runpath.map((directory) => directory.replace(/\$\{?ORIGIN\}?/g, origin));
  for (const directory of [...own, ...tree.directories]) {
    const real = tree.resolve(`${directory}/${library}`);
    if (real !== undefined && tree.files.get(real)?.machine === file.machine) return real;
  }
  return undefined;
}

/**
 * Libraries outside the linker's directories, by soname. A program that brings its own loads them itself, or they load each
 * other once one of them is there: Java's libjava.so finds libjvm.so only because the launcher has loaded it.
 */
function privateLibraries({ files, directories, resolve }: LibraryTree): ReadonlyMap<string, string> {
  const searched = new Set(directories.map((directory) => resolve(directory)));
  const found = new Map<string, string>();
  for (const [path, file] of files)
    if (file.soname !== undefined && !searched.has(path.slice(0, path.lastIndexOf("/"))))
      found.set(file.soname, path);
  return found;
}
