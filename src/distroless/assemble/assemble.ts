import type { OnProgress } from "#base";
import type { Codecs } from "#host";
import type { LinkedJava } from "../jlink/place-java.ts";
import type { LocatedPackage, PackageCache } from "../mirror/package-cache.ts";
import type { RecipeDefinition } from "../recipe-definition.ts";
import { writeAccounts } from "./accounts.ts";
import { installAlternatives } from "./alternatives.ts";
import { pathFilter, writeAptConfiguration } from "./apt-configuration.ts";
import { type Assembly, rootOwned } from "./assembly.ts";
import { mergedLinks, writeBaseSystem } from "./base-system.ts";
import { writeJavaAuthorities } from "./certificate-bundle.ts";
import { writeCertificates } from "./certificates.ts";
import { writeDpkgDatabase } from "./dpkg-database.ts";
import { writeLibraryCache } from "./library-cache.ts";
import { writeLoginShells } from "./login-shells.ts";
import { writeOwnEntries } from "./own-entries.ts";
import { writePamStacks } from "./pam.ts";
import { TreeWriter } from "./tree-writer.ts";
import { unpackAll } from "./unpack-all.ts";

/** What is assembled, and where. */
export interface AssembleOptions {
  /** An existing empty directory. */
  readonly root: string;
  readonly definition: RecipeDefinition;
  readonly packages: readonly LocatedPackage[];
  readonly architecture: string;
  readonly cache: PackageCache;
  readonly codecs: Codecs;
  /** A Java that was made for the image. */
  readonly java?: LinkedJava;
  readonly onProgress: OnProgress;
  readonly signal?: AbortSignal;
}

/** What was assembled. */
export interface Assembled {
  readonly tree: TreeWriter;
  readonly epochSeconds: number;
  readonly entries: number;
  /** Names of the packages that the tree holds. */
  readonly packages: readonly string[];
}

/**
 * Unpacks packages into a directory and writes what their maintainer scripts would have set up. No program is run.
 * Equal packages give an equal tree.
 * @throws PACKAGE_INVALID, PACKAGES_CONFLICT, STORE_FULL, PRIVILEGE_MISSING, CANCELLED
 */
export async function assembleSystem(options: AssembleOptions): Promise<Assembled> {
  const { root, definition, architecture } = options;
  const tree = new TreeWriter(root);
  const link = { uid: 0, gid: 0, mtimeSeconds: 0 };
  for (const [path, target] of mergedLinks(architecture)) {
    tree.directory(target, rootOwned({ epochSeconds: 0 }, 0o755));
    tree.symlink(path, target, link);
  }
  const { packages, epochSeconds } = await unpackAll({
    ...options,
    tree,
    isExcluded: pathFilter(definition.pathRules),
  });
  const assembly: Assembly = { tree, packages, architecture, epochSeconds };
  writeBaseSystem(assembly);
  writeAccounts(assembly);
  writeLoginShells(assembly);
  writePamStacks(assembly);
  writeCertificates(assembly);
  if (packages.has("ca-certificates-java")) writeJavaAuthorities(assembly);
  installAlternatives(assembly);
  writeAptConfiguration(assembly, definition.release, definition.pathRules);
  writeLibraryCache(assembly);
  writeOwnEntries(assembly, definition);
  writeDpkgDatabase(assembly);
  tree.finish();
  return { tree, epochSeconds, entries: tree.size, packages: [...packages.keys()] };
}
