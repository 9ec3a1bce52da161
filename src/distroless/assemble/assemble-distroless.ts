import { placeJava } from "../jlink/place-java.ts";
import type { RecipeDefinition } from "../recipe-definition.ts";
import { wantedPackages } from "../resolve-packages.ts";
import { pathFilter } from "./apt-configuration.ts";
import type { Assembled, AssembleOptions } from "./assemble.ts";
import { type Assembly, rootOwned } from "./assembly.ts";
import { mergedLinks } from "./base-system.ts";
import { collectCertificates, writeCertificateBundle, writeJavaAuthorities } from "./certificate-bundle.ts";
import { cutIcu } from "./cut-icu.ts";
import { cutSymbols } from "./cut-symbols.ts";
import { debugDirectory, writeApplets } from "./debug-shell.ts";
import { writeDistrolessFiles } from "./distroless-files.ts";
import { linkAssembly, programsOf } from "./elf-files.ts";
import { writeLibraryCache } from "./library-cache.ts";
import { writeOwnEntries } from "./own-entries.ts";
import { proveLibraries } from "./prove-libraries.ts";
import { pruneLibraries } from "./prune-libraries.ts";
import { writeStatusDirectory } from "./status-directory.ts";
import { TreeWriter } from "./tree-writer.ts";
import { rulesOf } from "./trim-packs.ts";
import { unpackAll } from "./unpack-all.ts";

/**
 * Assembles an image with no shell and no package manager: packages, a few files, and a proof that every program in it finds
 * its libraries. Equal packages give an equal tree.
 * @throws PACKAGE_INVALID, PACKAGES_CONFLICT, RECIPE_INVALID, STORE_FULL, PRIVILEGE_MISSING, CANCELLED
 */
export async function assembleDistroless(options: AssembleOptions): Promise<Assembled> {
  const { root, definition, architecture } = options;
  const tree = new TreeWriter(root);
  for (const [path, target] of mergedLinks(architecture)) {
    tree.directory(target, rootOwned({ epochSeconds: 0 }, 0o755));
    tree.symlink(path, target, { uid: 0, gid: 0, mtimeSeconds: 0 });
  }
  const isExcluded = pathFilter(exclusions(definition));
  const { certificates, collect } = collectCertificates();
  const { packages, epochSeconds } = await unpackAll({ ...options, tree, isExcluded, collect });
  let assembly: Assembly = { tree, packages, architecture, epochSeconds, certificates };
  if (options.java !== undefined) assembly = placeJava(assembly, options.java, isExcluded);
  writeDistrolessFiles(assembly, definition.users ?? []);
  if (tree.resolve("usr/lib/jvm") !== undefined) writeJavaAuthorities(assembly);
  writeCertificateBundle(assembly);
  if (definition.debug === true) writeApplets(assembly, debugDirectory);
  if (definition.applets !== undefined) writeApplets(assembly, definition.applets);
  assembly = cutIcu(assembly, definition.trim ?? []);
  if (definition.trim?.includes("symbols") === true) assembly = cutSymbols(assembly);
  assembly = cutAndProve(assembly, definition);
  writeOwnEntries(assembly, definition);
  writeLibraryCache(assembly);
  writeStatusDirectory(assembly);
  tree.finish();
  return { tree, epochSeconds, entries: tree.size, packages: [...assembly.packages.keys()] };
}

function exclusions({ trim = [], pathRules }: RecipeDefinition) {
  const packs = rulesOf(trim);
  return {
    exclude: [...packs.exclude, ...(pathRules?.exclude ?? [])],
    include: [...packs.include, ...(pathRules?.include ?? [])],
  };
}

/** Libraries are cut before what remains is proved to be whole. */
function cutAndProve(assembly: Assembly, definition: RecipeDefinition): Assembly {
  const programs = programsOf(definition);
  const linked = linkAssembly(assembly, programs);
  if (definition.trim?.includes("unused-libraries") !== true) {
    proveLibraries(assembly, linked);
    return assembly;
  }
  const names = wantedPackages(definition).map((text) => text.split(/[\s(:]/)[0] ?? text);
  const packages = pruneLibraries(assembly, linked, new Set(names));
  const rest = { ...assembly, packages };
  proveLibraries(rest, linkAssembly(rest, programs));
  return rest;
}
