import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Descriptor, type Index, mediaTypes } from "#oci";
import type { ImageTarget } from "../endpoints.ts";
import { directoryView } from "./file-view.ts";
import { blobPath, layoutRows } from "./layout-source.ts";
import { writeBlob } from "./write-blob.ts";

const refName = "org.opencontainers.image.ref.name";

/** An OCI image layout in a directory, made when it is absent; an image of the same name there is replaced. */
export function layoutTarget(directory: string, name: string | undefined): ImageTarget {
  mkdirSync(join(directory, "blobs/sha256"), { recursive: true });
  return {
    description: directory,
    width: 4,
    findTop: () => Promise.resolve(undefined),
    putBlob: (blob, options) => writeBlob(join(directory, blobPath(blob)), blob, options),
    putManifest({ descriptor, bytes }) {
      writeWhole(join(directory, blobPath(descriptor)), bytes);
      return Promise.resolve();
    },
    finish({ descriptor }) {
      writeFileSync(join(directory, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
      const index: Index = {
        schemaVersion: 2,
        mediaType: mediaTypes.index,
        manifests: rowsWith(directory, descriptor, name),
      };
      writeWhole(join(directory, "index.json"), JSON.stringify(index));
      return Promise.resolve();
    },
  };
}

function rowsWith(
  directory: string,
  descriptor: Descriptor,
  name: string | undefined,
): readonly Descriptor[] {
  const old = existsSync(join(directory, "index.json")) ? layoutRows(directoryView(directory)) : [];
  const rest = old.filter((row) =>
    name === undefined ? row.digest !== descriptor.digest : row.annotations?.[refName] !== name,
  );
  return [
    ...rest,
    name === undefined
      ? descriptor
      : { ...descriptor, annotations: { ...descriptor.annotations, [refName]: name } },
  ];
}

function writeWhole(path: string, contents: string | Uint8Array): void {
  const partial = `${path}.${process.pid}.partial`;
  writeFileSync(partial, contents);
  renameSync(partial, path);
}
