import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { diskError, systemErrorCode } from "#base";
import { type Digest, encoded, isDigest } from "#oci";
import type { LayerBlob } from "./image-store.ts";
import { type LayerMap, readLayerMap, writeLayerMap } from "./layer-map.ts";

/**
 * What the store has worked out about layers, below `images/`. All of it can be worked out again, so a record that is
 * missing or cut off is no fault.
 */
export class Records {
  readonly #snapshots: string;
  readonly #layers: string;
  readonly locks: string;

  constructor(root: string) {
    this.#snapshots = join(root, "images", "snapshots");
    this.#layers = join(root, "images", "layers");
    this.locks = join(root, "images", "locks");
    try {
      for (const path of [this.#snapshots, this.#layers, this.locks])
        mkdirSync(path, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw diskError(error, { verb: "open the records of images below", object: root });
    }
  }

  /** The layer that a snapshot adds to its parent. */
  findLayer(snapshot: string): SnapshotLayer | undefined {
    const record = readJson(join(this.#snapshots, encodeURIComponent(snapshot)));
    return isSnapshotLayer(record) ? record : undefined;
  }

  setLayer(snapshot: string, layer: SnapshotLayer): void {
    writeJson(join(this.#snapshots, encodeURIComponent(snapshot)), layer);
  }

  /** Sum of the lengths of a layer's files: what docker shows as its size. */
  findFileBytes(blob: Digest): number | undefined {
    const record = readJson(join(this.#layers, encoded(blob)));
    return typeof record === "object" &&
      record !== null &&
      "fileBytes" in record &&
      typeof record.fileBytes === "number"
      ? record.fileBytes
      : undefined;
  }

  setFileBytes(blob: Digest, fileBytes: number): void {
    writeJson(join(this.#layers, encoded(blob)), { fileBytes });
  }

  /** A layer that was compressed before; `form` as `gzip` or `zstd-19`. */
  findCompressed(diffId: Digest, form: string): CompressedLayer | undefined {
    const record = readJson(join(this.#layers, `${encoded(diffId)}.${form}`));
    return isCompressedLayer(record) ? record : undefined;
  }

  setCompressed(diffId: Digest, { digest, size }: Required<CompressedLayer>, form: string): void {
    writeJson(join(this.#layers, `${encoded(diffId)}.${form}`), { digest, size });
  }

  /** `registry/repository` paths where a blob was seen, latest first: a registry can take it from there by itself. */
  findRepositories(blob: Digest): readonly string[] {
    const record = readJson(join(this.#layers, `${encoded(blob)}.repositories`));
    return Array.isArray(record) ? record.filter((path): path is string => typeof path === "string") : [];
  }

  addRepository(blob: Digest, path: string): void {
    const known = this.findRepositories(blob);
    if (known[0] === path) return;
    const paths = [path, ...known.filter((other) => other !== path)].slice(0, repositoriesLimit);
    writeJson(join(this.#layers, `${encoded(blob)}.repositories`), paths);
  }

  /** Where the files of a snapshot lie in its layer, when they were written there and not into its tree. */
  findMap(snapshot: string): LayerMap | undefined {
    return readLayerMap(this.#mapPath(snapshot));
  }

  setMap(snapshot: string, map: LayerMap): void {
    writeLayerMap(this.#mapPath(snapshot), map);
  }

  /** No layer of a snapshot has times of that name. */
  #mapPath(snapshot: string): string {
    return join(this.#snapshots, encodeURIComponent(`${snapshot}@map`));
  }

  /** Drops the records of snapshots and blobs that went. */
  prune(exists: {
    readonly snapshot: (name: string) => boolean;
    readonly blob: (digest: Digest) => boolean;
  }): void {
    for (const file of readdirSync(this.#snapshots))
      if (!exists.snapshot(decodeURIComponent(file).replace(/@[^@]*$/, "")))
        rmSync(join(this.#snapshots, file), { force: true });
    for (const file of readdirSync(this.#layers)) {
      const digest = `sha256:${file.replace(/\.(?:repositories|(?:gzip|zstd)(?:-\d+)?)$/, "")}`;
      if (isDigest(digest) && !exists.blob(digest)) rmSync(join(this.#layers, file), { force: true });
    }
  }
}

const repositoriesLimit = 8;

/** A layer in a compressed form. */
export interface CompressedLayer {
  readonly digest: Digest;
  readonly size?: number;
}

function isCompressedLayer(value: unknown): value is CompressedLayer {
  return (
    typeof value === "object" &&
    value !== null &&
    "digest" in value &&
    typeof value.digest === "string" &&
    isDigest(value.digest)
  );
}

/** A layer with the identity of the stack it tops, when the whole stack is known. */
export interface SnapshotLayer extends LayerBlob {
  readonly chainId?: Digest;
  /** The snapshot was unpacked from this blob: writing it again might give other bytes. */
  readonly isUnpacked?: boolean;
}

function isSnapshotLayer(value: unknown): value is SnapshotLayer {
  return typeof value === "object" && value !== null && "descriptor" in value && "diffId" in value;
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    const code = systemErrorCode(error);
    if (error instanceof SyntaxError || code === "ENOENT" || code === "EISDIR") return undefined;
    throw error;
  }
}

function writeJson(path: string, value: unknown): void {
  const temporary = `${path}.${process.pid}.new`;
  writeFileSync(temporary, JSON.stringify(value));
  try {
    renameSync(temporary, path);
  } catch (error) {
    if (systemErrorCode(error) !== "EISDIR") throw error;
    // Damage: no record is a directory.
    rmSync(path, { recursive: true });
    renameSync(temporary, path);
  }
}
