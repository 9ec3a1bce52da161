import { lstatSync } from "node:fs";
import type { ActiveSnapshot } from "#snapshot";
import { type LayerParts, recordLayer, writeTar } from "./commit-layer.ts";
import type { DeferredCommit, DeferredFile, ImageStore } from "./image-store.ts";
import { LayerMapWriter } from "./layer-map.ts";

/** Fewer files are opened and read faster than a thread starts that would do it; a large one it would only copy once more. */
const worthReadingAhead = 5000;

/** See `ImageStore.commitDeferred`. */
export async function commitDeferred(
  parts: LayerParts,
  active: ActiveSnapshot,
  options: Parameters<ImageStore["commitDeferred"]>[1],
): Promise<DeferredCommit> {
  const { name, files, times, signal } = options;
  const changed: string[] = [];
  const map = new LayerMapWriter();
  const rootMtimeMs = lstatSync(active.upper).mtimeMs;
  const expectedBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const descriptor = await writeTar(parts, active.upper, {
    times,
    signal,
    deferred: new DeferredTree(files),
    // Whoever needs the files reads the layer once, and most builds are followed by nobody who does.
    ingest: { expectedBytes, isCached: false },
    readsAhead: files.length >= worthReadingAhead,
    onChanged: (source) => changed.push(source),
    map,
  });
  const snapshot = parts.snapshots.commitDeferred(active, name, { layer: descriptor, files });
  recordLayer(parts, snapshot, { descriptor, times });
  const places = changed.length === 0 ? map.end({ layer: descriptor, rootMtimeMs }) : undefined;
  if (places !== undefined) parts.records.setMap(snapshot, places);
  return { snapshot, changed };
}

/** Deferred files by directory, as a walk asks for them. */
export class DeferredTree {
  readonly #files = new Map<string, DeferredFile>();
  readonly #names = new Map<string, string[]>();
  readonly #linked = new Set<string>();

  constructor(files: readonly DeferredFile[]) {
    for (const file of files) {
      const slash = file.path.lastIndexOf("/");
      const directory = slash < 0 ? "" : file.path.slice(0, slash);
      const names = this.#names.get(directory);
      const name = file.path.slice(slash + 1);
      if (names === undefined) this.#names.set(directory, [name]);
      else names.push(name);
      this.#files.set(file.path, file);
      if (file.link !== undefined) this.#linked.add(file.link);
    }
  }

  find(path: string): DeferredFile | undefined {
    return this.#files.get(path);
  }

  /** Whether a file has further names. */
  isLinked(path: string): boolean {
    return this.#linked.has(path);
  }

  names(directory: string): readonly string[] {
    return this.#names.get(directory) ?? [];
  }
}
