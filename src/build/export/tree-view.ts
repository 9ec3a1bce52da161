import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { Cleanup, LighterError } from "#base";
import type { Host } from "#host";
import type { SnapshotName, Snapshotter } from "#snapshot";

/** The tree of one platform, and files that are added to it. */
export interface TreePart {
  /** Where it goes; empty: the root. */
  readonly directory: string;
  readonly snapshot: SnapshotName | undefined;
  readonly files: readonly ExtraFile[];
}

export interface ExtraFile {
  readonly name: string;
  readonly text: string;
}

export interface TreeView extends AsyncDisposable {
  /** To be read with synchronous calls of the main thread only: it is a mount in a private namespace. */
  readonly path: string;
}

interface ViewOptions {
  readonly host: Host;
  readonly snapshots: Snapshotter;
  /** The time of added files and directories. */
  readonly epochSeconds: number;
}

/** Mounts trees side by side, or on top of each other where they go to one directory, which they must not quarrel about. */
export async function viewTrees(parts: readonly TreePart[], options: ViewOptions): Promise<TreeView> {
  const scope = new Cleanup();
  try {
    options.host.mounts.enterPrivateNamespace();
    // A snapshot that is never committed: when this process dies, the next sweep removes it.
    const folder = scope.use(options.snapshots.prepare(undefined)).work;
    const root = join(folder, "root");
    mkdirSync(root);
    const directories = new Set(parts.map(({ directory }) => directory));
    for (const directory of directories) {
      const target = join(root, directory);
      mkdirSync(target, { recursive: true });
      const inside = parts.filter((part) => part.directory === directory);
      mountParts(inside, { ...options, folder, scope, target });
    }
    return { path: root, [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose]() };
  } catch (error) {
    await scope[Symbol.asyncDispose]();
    throw error;
  }
}

interface Mounting extends ViewOptions {
  readonly folder: string;
  readonly scope: Cleanup;
  readonly target: string;
}

function mountParts(parts: readonly TreePart[], mounting: Mounting): void {
  const { host, scope, target } = mounting;
  const extra = writeExtra(
    parts.flatMap(({ files }) => files),
    mounting,
  );
  const merged = parts.length === 1 ? layersOf(parts, mounting) : mergedOf(parts, mounting);
  scope.use(host.mounts.overlay({ target, lower: [extra, ...merged] }));
}

function layersOf(parts: readonly TreePart[], { snapshots }: Mounting): readonly string[] {
  return parts.flatMap(({ snapshot }) => (snapshot === undefined ? [] : snapshots.layers(snapshot)));
}

/** A whiteout of one tree must not hide what another one has: each is mounted by itself first. */
function mergedOf(parts: readonly TreePart[], mounting: Mounting): readonly string[] {
  const views = parts.flatMap((part) => {
    const lower = layersOf([part], mounting);
    if (lower.length === 0) return [];
    const target = mkdtempSync(join(mounting.folder, "part-"));
    mounting.scope.use(mounting.host.mounts.overlay({ target, lower }));
    return [target];
  });
  for (const [at, view] of views.entries())
    for (const other of views.slice(0, at)) refuseSameFiles(view, other, "");
  return views;
}

function refuseSameFiles(one: string, other: string, path: string): void {
  for (const name of readdirSync(join(one, path))) {
    const inside = join(path, name);
    const [mine, theirs] = [one, other].map((root) =>
      lstatSync(join(root, inside), { throwIfNoEntry: false }),
    );
    if (mine === undefined || theirs === undefined) continue;
    if (mine.isDirectory() && theirs.isDirectory()) refuseSameFiles(one, other, inside);
    else
      throw new LighterError(
        "ARGUMENT_INVALID",
        `cannot write the trees of several platforms into one directory: "/${inside}" is in more than one; leave platform-split=false away`,
      );
  }
}

/** A layer of its own on top, made even when it stays empty: an overlay wants one. */
function writeExtra(files: readonly ExtraFile[], { folder, epochSeconds }: Mounting): string {
  const layer = mkdtempSync(join(folder, "extra-"));
  for (const { name, text } of files) {
    const path = join(layer, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { mode: 0o600 });
    utimesSync(path, epochSeconds, epochSeconds);
  }
  // It is the directory of a platform, too.
  chmodSync(layer, 0o755);
  utimesSync(layer, epochSeconds, epochSeconds);
  return layer;
}
