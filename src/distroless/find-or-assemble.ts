import { createHash } from "node:crypto";
import { setMaxListeners } from "node:events";
import { Cleanup, type OnProgress } from "#base";
import type { Codecs } from "#host";
import type { ActiveSnapshot, SnapshotName, Snapshotter } from "#snapshot";
import { type Assembled, assembleSystem } from "./assemble/assemble.ts";
import { assembleDistroless } from "./assemble/assemble-distroless.ts";
import { moveEntries, planLayers } from "./assemble/split-layers.ts";
import { inUnpackOrder } from "./assemble/unpack-all.ts";
import type { LinkedJava } from "./jlink/place-java.ts";
import { downloadAll, type LocatedPackage, type PackageCache } from "./mirror/package-cache.ts";
import type { RecipeDefinition } from "./recipe-definition.ts";

/** A tree to be had. */
export interface TreeRequest {
  readonly definition: RecipeDefinition;
  /** Debian's name: `amd64`. */
  readonly architecture: string;
  readonly packages: readonly LocatedPackage[];
  readonly snapshots: Snapshotter;
  readonly codecs: Codecs;
  readonly cache: PackageCache;
  /** Makes the image's Java when the tree has to be assembled; what it is made of is part of `javaKey`. */
  readonly java?: { readonly key: string; readonly link: () => Promise<LinkedJava & AsyncDisposable> };
  readonly onProgress: OnProgress;
  readonly signal?: AbortSignal;
}

/** A finished tree. */
export interface FoundTree {
  /** Its layers, lowest first. */
  readonly layers: readonly SnapshotName[];
  readonly epochSeconds: number;
}

/** Raised when an equal set of packages is assembled to a different tree. */
const assemblyVersion = 15;

/** The tree of a recipe and its packages: the one that was assembled before, or a new one. */
export async function findOrAssemble(request: TreeRequest): Promise<FoundTree> {
  const { snapshots } = request;
  const key = assemblyKey(request);
  const finished = snapshots.list().find((name) => name.startsWith(`recipe-${key}-`));
  const top = finished ?? (await assemble(request, key));
  return { layers: chainOf(snapshots, top), epochSeconds: Number(top.split("-").at(-1)) };
}

function chainOf(snapshots: Snapshotter, top: SnapshotName): readonly SnapshotName[] {
  const chain: SnapshotName[] = [];
  for (let name: SnapshotName | undefined = top; name !== undefined; name = snapshots.parent(name))
    chain.unshift(name);
  return chain;
}

async function assemble(request: TreeRequest, key: string): Promise<SnapshotName> {
  const { snapshots, packages, cache, definition } = request;
  await using active = snapshots.prepare(undefined);
  await using cleanup = new Cleanup();
  const cancel = new AbortController();
  const signal =
    request.signal === undefined ? cancel.signal : AbortSignal.any([cancel.signal, request.signal]);
  // Every request listens, and there may be hundreds.
  setMaxListeners(0, signal);
  const download = downloadAll(cache, inUnpackOrder(packages), { onProgress: request.onProgress, signal });
  // Unpacking meets the same failure at the package it waits for; either way no download outlives this function.
  cleanup.defer(async () => void (await Promise.allSettled([download])));
  cleanup.defer(() => cancel.abort());
  const assembling = assembleTree(request, active, { signal, cleanup });
  const [assembled] = await Promise.all([assembling, download]).catch(async (error: unknown) => {
    cancel.abort();
    await Promise.allSettled([assembling]);
    throw error;
  });
  const name = `recipe-${key}-${assembled.epochSeconds}`;
  if (definition.layers === undefined) return snapshots.commit(active, name);
  return await commitLayers(request, assembled, { key, name, rules: definition.layers });
}

async function assembleTree(
  request: TreeRequest,
  active: ActiveSnapshot,
  { signal, cleanup }: { readonly signal: AbortSignal; readonly cleanup: Cleanup },
): Promise<Assembled> {
  const { definition, packages, architecture, cache, codecs, onProgress } = request;
  const java = await request.java?.link();
  if (java !== undefined) cleanup.use(java);
  const run = definition.kind === "distroless" ? assembleDistroless : assembleSystem;
  return await run({
    root: active.upper,
    definition,
    packages,
    architecture,
    cache,
    codecs,
    onProgress,
    signal,
    ...(java !== undefined && { java }),
  });
}

/** Moves what was assembled into a chain of snapshots; the last one gets the name. */
async function commitLayers(
  { snapshots }: TreeRequest,
  { tree }: Assembled,
  {
    key,
    name,
    rules,
  }: { readonly key: string; readonly name: string; readonly rules: NonNullable<RecipeDefinition["layers"]> },
): Promise<SnapshotName> {
  const layers = planLayers(tree, rules);
  let parent: SnapshotName | undefined;
  for (const [at, paths] of layers.entries()) {
    const isTop = at === layers.length - 1;
    if (paths.length === 0 && !isTop) continue;
    await using layer: ActiveSnapshot = snapshots.prepare(parent);
    moveEntries(tree, paths, layer.upper);
    parent = snapshots.commit(layer, isTop ? name : `recipe-layer-${key}-${at}`);
  }
  return parent as SnapshotName;
}

function assemblyKey({ definition, packages, java, architecture }: TreeRequest): string {
  // What says how containers start is not in the tree: images that differ in it share one layer.
  const { kind, release, pathRules, trim, debug, applets, directories, links, users, ignore, layers } =
    definition;
  const facts = {
    assemblyVersion,
    kind,
    release,
    architecture,
    pathRules,
    trim,
    debug,
    applets,
    directories,
    files: definition.files?.map(({ source, ...file }) => ({ ...file, source: source?.sha256 })),
    binaries: definition.binaries?.map(({ sha256 }) => sha256),
    links,
    users,
    ignore,
    layers,
    java: java?.key,
    requested: trim?.includes("unused-libraries") === true ? definition.packages : undefined,
    packages: packages.map(({ candidate }) => candidate.sha256),
  };
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex").slice(0, 32);
}
