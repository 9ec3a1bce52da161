import { randomBytes } from "node:crypto";
import { lstatSync, readdirSync, rmSync } from "node:fs";
import { decodeName, encodeName, hasEscapes, TarReader } from "#archive";
import type { ContentStore } from "#content";
import type { Host } from "#host";
import type { ImageStore } from "#image";
import { chainId, type History, opaqueWhiteout, whiteoutPrefix } from "#oci";
import { Extraction, type SnapshotName, type Snapshotter } from "#snapshot";
import type { LayerMaking, PlatformImage } from "./platform-image.ts";

interface SquashParts {
  readonly content: ContentStore;
  readonly images: ImageStore;
  readonly snapshots: Snapshotter;
  readonly host: Host;
  readonly making: LayerMaking;
}

/** Makes one layer of those that the build put on top of its base. History keeps every line, and tells of one layer. */
export async function squashImage(image: PlatformImage, parts: SquashParts): Promise<PlatformImage> {
  const { baseLayers, layers } = image;
  const made = layers.slice(baseLayers);
  if (made.length < 2) return image;
  const base = layers.slice(0, baseLayers);
  const snapshot = await mergeLayers(image, parts);
  // Times were set when the layers were made: they stay.
  const layer = await parts.images.commitLayer(snapshot, { signal: parts.making.signal });
  const diffIds = [...base.map(({ diffId }) => diffId), layer.diffId];
  return {
    ...image,
    layers: [...base, layer],
    config: {
      ...image.config,
      rootfs: { type: "layers", diff_ids: diffIds },
      history: squashedHistory(image, made.length),
    },
  };
}

/** Lays the layers out on top of each other, above the tree of the base. */
async function mergeLayers(image: PlatformImage, parts: SquashParts): Promise<SnapshotName> {
  const { baseLayers, layers, config } = image;
  const base = await baseTree(image, parts);
  await using active = parts.snapshots.prepare(base);
  for (const { descriptor } of layers.slice(baseLayers)) {
    removeHidden(active.upper, parts.content.readChunks(descriptor.digest));
    using extraction = new Extraction({
      host: parts.host,
      root: active.upper,
      lower: active.lower,
      whiteouts: "overlay",
    });
    for (const chunk of parts.content.readChunks(descriptor.digest)) extraction.write(chunk);
    extraction.finish();
  }
  const chain = chainId(config.rootfs.diff_ids) ?? "";
  return parts.snapshots.commit(active, `squash-${chain.slice(7, 19)}-${randomBytes(6).toString("hex")}`);
}

/** Extracting makes whiteouts for what lies below the upper directory; what a layer hides inside it has to go first. */
function removeHidden(upper: string, layer: Iterable<Uint8Array>): void {
  const reader = new TarReader({
    onEntry({ path }) {
      const name = path.replace(/^(?:\.?\/)+/, "").replace(/\/+$/, "");
      const slash = name.lastIndexOf("/") + 1;
      const directory = name.slice(0, slash);
      if (name.endsWith(opaqueWhiteout)) removeInside(upper, directory, undefined);
      else if (name.startsWith(whiteoutPrefix, slash))
        removeInside(upper, directory, name.slice(slash + whiteoutPrefix.length));
    },
    onData() {},
    onEntryEnd() {},
  });
  for (const chunk of layer) reader.write(chunk);
  reader.end();
}

/** Removes an entry of a directory, or all of them, where the directory is one and no link leads to it. */
function removeInside(upper: string, directory: string, name: string | undefined): void {
  let path: string = upper;
  for (const part of directory.split("/").filter((each) => each !== "")) {
    path = `${path}/${part}`;
    const stats = lstatSync(place(path), { throwIfNoEntry: false });
    if (stats?.isDirectory() !== true) return;
  }
  const names = name === undefined ? readdirSync(place(path), "buffer").map(decodeName) : [name];
  for (const each of names) rmSync(place(`${path}/${each}`), { recursive: true, force: true });
}

/** Names that are no UTF-8 are kept escaped. */
function place(path: string): string | Buffer {
  return hasEscapes(path) ? encodeName(path) : path;
}

async function baseTree(image: PlatformImage, { images }: SquashParts): Promise<SnapshotName | undefined> {
  const layers = image.layers.slice(0, image.baseLayers);
  if (layers.length === 0) return undefined;
  return await images.unpackLayers(layers);
}

function squashedHistory({ config, baseLayers }: PlatformImage, made: number): readonly History[] {
  let seen = 0;
  const lines = (config.history ?? []).map((line): History => {
    if (line.empty_layer === true) return line;
    seen += 1;
    return seen <= baseLayers ? line : { ...line, empty_layer: true };
  });
  const { created } = config;
  return [
    ...lines,
    {
      ...(created !== undefined && { created }),
      created_by: "",
      comment: `merge of ${made} layers (--squash)`,
    },
  ];
}
