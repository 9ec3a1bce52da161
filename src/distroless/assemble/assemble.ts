import { LighterError, type OnProgress } from "#base";
import type { Codecs } from "#host";
import type { LocatedPackage, PackageCache } from "../mirror/package-cache.ts";
import type { RecipeDefinition } from "../recipe-definition.ts";
import { writeAccounts } from "./accounts.ts";
import { installAlternatives } from "./alternatives.ts";
import { pathFilter, writeAptConfiguration } from "./apt-configuration.ts";
import { type Assembly, type InstalledPackage, rootOwned } from "./assembly.ts";
import { mergedLinks, writeBaseSystem } from "./base-system.ts";
import { writeCertificates } from "./certificates.ts";
import { writeDpkgDatabase } from "./dpkg-database.ts";
import { writeLibraryCache } from "./library-cache.ts";
import { writeLoginShells } from "./login-shells.ts";
import { type OpenPackage, openPackage } from "./open-package.ts";
import { writePamStacks } from "./pam.ts";
import { prefetch } from "./prefetch.ts";
import { TreeWriter } from "./tree-writer.ts";
import { PackageUnpacker } from "./unpack.ts";

/** What is assembled, and where. */
export interface AssembleOptions {
  /** An existing empty directory. */
  readonly root: string;
  readonly definition: RecipeDefinition;
  readonly packages: readonly LocatedPackage[];
  readonly architecture: string;
  readonly cache: PackageCache;
  readonly codecs: Codecs;
  readonly onProgress: OnProgress;
  readonly signal?: AbortSignal;
}

/** What was assembled. */
export interface Assembled {
  readonly epochSeconds: number;
  readonly entries: number;
}

/** Parts that are decoded ahead of the one being written: enough for a few processors, little enough for memory. */
const decodeAhead = 4;

/**
 * Unpacks packages into a directory and writes what their maintainer scripts would have set up. No program is run.
 * Equal packages give an equal tree.
 * @throws PACKAGE_INVALID, PACKAGES_CONFLICT, STORE_FULL, PRIVILEGE_MISSING, CANCELLED
 */
export async function assembleTree(options: AssembleOptions): Promise<Assembled> {
  const { root, definition, architecture } = options;
  const tree = new TreeWriter(root);
  const link = { uid: 0, gid: 0, mtimeSeconds: 0 };
  for (const [path, target] of mergedLinks(architecture)) {
    tree.directory(target, rootOwned({ epochSeconds: 0 }, 0o755));
    tree.symlink(path, target, link);
  }
  const { packages, epochSeconds } = await unpackAll(options, tree);
  const assembly: Assembly = { tree, packages, architecture, epochSeconds };
  writeBaseSystem(assembly);
  writeAccounts(assembly);
  writeLoginShells(assembly);
  writePamStacks(assembly);
  writeCertificates(assembly);
  installAlternatives(assembly);
  writeAptConfiguration(assembly, definition.release, definition.pathRules);
  writeLibraryCache(assembly);
  writeOwnEntries(assembly, definition);
  writeDpkgDatabase(assembly);
  tree.finish();
  return { epochSeconds, entries: tree.size };
}

function writeOwnEntries(assembly: Assembly, { links = [], directories = [] }: RecipeDefinition): void {
  const { tree, epochSeconds } = assembly;
  for (const { path, mode } of directories) tree.directory(path, rootOwned(assembly, mode));
  for (const { path, target } of links)
    tree.symlink(path, target, { uid: 0, gid: 0, mtimeSeconds: epochSeconds });
}

async function unpackAll(
  options: AssembleOptions,
  tree: TreeWriter,
): Promise<{ readonly packages: ReadonlyMap<string, InstalledPackage>; readonly epochSeconds: number }> {
  const candidates = new Map(options.packages.map(({ candidate }) => [candidate.name, candidate]));
  const unpackOptions = { tree, packages: candidates, isExcluded: pathFilter(options.definition.pathRules) };
  const installed = new Map<string, InstalledPackage>();
  let epochSeconds = 0;
  let bytes = 0;
  const total = options.packages.reduce((sum, { candidate }) => sum + candidate.sizeBytes, 0);
  const report = (done: boolean) =>
    options.onProgress({
      id: "unpack packages",
      label: `unpack ${options.packages.length} packages`,
      current: bytes,
      total,
      unit: "bytes",
      ...(done && { done }),
    });
  let unpacker: PackageUnpacker | undefined;
  try {
    for await (const { opened, data, isLast } of prefetch(openInOrder(options), decodeAhead)) {
      if (options.signal?.aborted)
        throw new LighterError("CANCELLED", "cannot assemble the image: cancelled");
      const { candidate, control, controlFiles } = opened;
      unpacker ??= new PackageUnpacker(candidate, unpackOptions);
      unpacker.write(data);
      if (!isLast) continue;
      const { paths, newestSeconds } = unpacker.end();
      unpacker = undefined;
      epochSeconds = Math.max(epochSeconds, newestSeconds);
      installed.set(candidate.name, { candidate, control, controlFiles, paths });
      bytes += candidate.sizeBytes;
      report(false);
    }
  } finally {
    unpacker?.[Symbol.dispose]();
  }
  report(true);
  return { packages: installed, epochSeconds };
}

interface DataPart {
  readonly opened: OpenPackage;
  readonly data: Uint8Array;
  readonly isLast: boolean;
}

/** The parts of all packages, each to be decoded when it is called, in the one order on which the result may depend. */
async function* openInOrder(options: AssembleOptions): AsyncGenerator<() => Promise<DataPart>> {
  const { cache, codecs, signal } = options;
  for (const located of inUnpackOrder(options.packages)) {
    const deb = await cache.read(located, { ...(signal && { signal }) });
    const opened = await openPackage(located.candidate, deb, codecs);
    const last = opened.dataParts.at(-1);
    for (const decode of opened.dataParts)
      yield async () => ({ opened, data: await decode(), isLast: decode === last });
  }
}

/** The order in which packages are downloaded and unpacked. */
export function inUnpackOrder(packages: readonly LocatedPackage[]): readonly LocatedPackage[] {
  return [...packages].sort(
    ({ candidate: a }, { candidate: b }) => b.sizeBytes - a.sizeBytes || (a.name < b.name ? -1 : 1),
  );
}
