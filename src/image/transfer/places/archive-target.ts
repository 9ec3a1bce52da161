import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { formatTarHeader, tarEnd, tarEntry, tarPadding } from "#archive";
import { diskError, LighterError } from "#base";
import { partialPath } from "#host";
import { type Descriptor, type Index, mediaTypes } from "#oci";
import { type ImageBytes, parseDocument } from "../document.ts";
import type { ImageTarget } from "../endpoints.ts";
import { blobPath } from "./layout-source.ts";
import { checkedChunks } from "./write-blob.ts";

/** An image archive that is being written; disposing one that was not finished removes it. */
export interface ArchiveTarget extends ImageTarget, Disposable {}

/** An OCI layout as a tar archive; the docker form has docker's manifest.json beside it. One blob at a time. */
export function archiveTarget(
  path: string,
  form: { readonly kind: "oci" | "docker"; readonly name: string | undefined },
): ArchiveTarget {
  const partial = partialPath(path);
  const fd = openArchive(partial);
  let isOpen = true;
  const write = (bytes: Uint8Array): void => {
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
    } catch (error) {
      throw diskError(error, { verb: "write archive", object: path });
    }
  };
  const file = (name: string, bytes: Uint8Array): void => {
    write(formatTarHeader(tarEntry({ path: name, sizeBytes: bytes.length })));
    write(bytes);
    write(tarPadding(bytes.length));
  };
  file("oci-layout", Buffer.from('{"imageLayoutVersion":"1.0.0"}'));
  return {
    description: path,
    width: 1,
    findTop: () => Promise.resolve(undefined),
    async putBlob(blob, options) {
      write(formatTarHeader(tarEntry({ path: blobPath(blob), sizeBytes: blob.size })));
      let current = 0;
      for await (const chunk of checkedChunks(blob, options)) {
        write(chunk);
        current += chunk.length;
        options.onBytes(current);
      }
      write(tarPadding(blob.size));
      return "stored";
    },
    putManifest({ descriptor, bytes }) {
      file(blobPath(descriptor), bytes);
      return Promise.resolve();
    },
    finish(top) {
      if (form.kind === "docker")
        file("manifest.json", Buffer.from(JSON.stringify([dockerItem(path, top, form.name)])));
      file("index.json", Buffer.from(JSON.stringify(indexOf(top.descriptor, form.name))));
      write(tarEnd);
      if (partial !== path) fsyncSync(fd);
      closeSync(fd);
      isOpen = false;
      if (partial !== path) renameSync(partial, path);
      return Promise.resolve();
    },
    [Symbol.dispose]() {
      if (!isOpen) return;
      closeSync(fd);
      if (partial !== path) rmSync(partial, { force: true });
      isOpen = false;
    },
  };
}

function openArchive(path: string): number {
  try {
    return openSync(path, "w", 0o644);
  } catch (error) {
    throw diskError(error, { verb: "write archive", object: path });
  }
}

function indexOf(descriptor: Descriptor, name: string | undefined): Index {
  const annotations = { "org.opencontainers.image.ref.name": name ?? "" };
  return {
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: [name === undefined ? descriptor : { ...descriptor, annotations }],
  };
}

function dockerItem(path: string, top: ImageBytes, name: string | undefined): unknown {
  const document = parseDocument(top);
  if (document.kind === "index")
    throw new LighterError(
      "IMAGE_INVALID",
      `cannot write "${path}": docker's form holds one platform; choose it with --platform, or write an OCI archive`,
    );
  const { config, layers } = document.manifest;
  return {
    Config: blobPath(config),
    RepoTags: name === undefined ? null : [name],
    Layers: layers.map(blobPath),
  };
}
