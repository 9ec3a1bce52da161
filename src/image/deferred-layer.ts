import type { ActiveSnapshot, SnapshotName } from "#snapshot";
import { type LayerParts, recordLayer, writeTar } from "./commit-layer.ts";
import type { DeferredFile, LayerTimes } from "./image-store.ts";

// Below these, starting a thread that reads ahead costs more than it saves.
const worthFiles = 5000;
const worthBytes = 64 << 20;

/** See `ImageStore.commitDeferred`. */
export async function commitDeferred(
  parts: LayerParts,
  active: ActiveSnapshot,
  options: { readonly name: string; readonly files: readonly DeferredFile[]; readonly times: LayerTimes },
): Promise<{ readonly snapshot: SnapshotName; readonly changed: readonly string[] }> {
  const { name, files, times } = options;
  const changed: string[] = [];
  const expectedBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const descriptor = await writeTar(parts, active.upper, {
    times,
    deferred: new DeferredTree(files),
    // Whoever needs the files reads the layer once, and most builds are followed by nobody who does.
    ingest: { expectedBytes, isCached: false },
    readsAhead: files.length >= worthFiles || expectedBytes >= worthBytes,
    onChanged: (source) => changed.push(source),
  });
  const snapshot = parts.snapshots.commitDeferred(active, name, {
    layer: descriptor,
    files: files.map(({ path, mtimeMs }) => [path, mtimeMs / 1000]),
  });
  recordLayer(parts, snapshot, { descriptor, times });
  return { snapshot, changed };
}

/** Deferred files by directory, as a walk asks for them. */
export class DeferredTree {
  readonly #files = new Map<string, DeferredFile>();
  readonly #names = new Map<string, string[]>();

  constructor(files: readonly DeferredFile[]) {
    for (const file of files) {
      const slash = file.path.lastIndexOf("/");
      const directory = slash < 0 ? "" : file.path.slice(0, slash);
      const names = this.#names.get(directory);
      const name = file.path.slice(slash + 1);
      if (names === undefined) this.#names.set(directory, [name]);
      else names.push(name);
      this.#files.set(file.path, file);
    }
  }

  find(path: string): DeferredFile | undefined {
    return this.#files.get(path);
  }

  names(directory: string): readonly string[] {
    return this.#names.get(directory) ?? [];
  }
}
