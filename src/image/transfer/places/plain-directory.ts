import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { digestOf, encoded, mediaTypes } from "#oci";
import { isRecord } from "../../documents.ts";
import type { ImageBytes } from "../document.ts";
import type { ImageSource, ImageTarget } from "../endpoints.ts";
import { directoryView, invalid, readDocument } from "./file-view.ts";
import { writeBlob } from "./write-blob.ts";

/** Skopeo's `dir:` form: manifest.json and each blob under its digest. @see https://github.com/containers/image/blob/v5.24.0/docs/containers-transports.5.md */
export function plainDirectorySource(directory: string): ImageSource {
  const view = directoryView(directory);
  return {
    description: directory,
    async getTop() {
      const bytes = readDocument(view, "manifest.json");
      const value: unknown = JSON.parse(bytes.toString());
      const said = isRecord(value) ? value["mediaType"] : undefined;
      const isList = isRecord(value) && Array.isArray(value["manifests"]);
      const mediaType = typeof said === "string" ? said : isList ? mediaTypes.index : mediaTypes.manifest;
      return { bytes, descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length } };
    },
    getManifest: async ({ digest }) => readDocument(view, `${encoded(digest)}.manifest.json`),
    async *readBlob({ digest }, { offsetBytes }) {
      if (view.findSize(encoded(digest)) === undefined) throw invalid(view, `it has no ${digest}`);
      yield* view.open(encoded(digest), offsetBytes);
    },
    repositoriesOf: () => [],
  };
}

export function plainDirectoryTarget(directory: string): ImageTarget {
  mkdirSync(directory, { recursive: true });
  const documents = new Map<string, ImageBytes>();
  return {
    description: directory,
    width: 4,
    findTop: () => Promise.resolve(undefined),
    putBlob: (blob, options) => writeBlob(join(directory, encoded(blob.digest)), blob, options),
    putManifest(document, { isTop }) {
      if (!isTop) documents.set(`${encoded(document.descriptor.digest)}.manifest.json`, document);
      return Promise.resolve();
    },
    finish(top) {
      for (const [name, { bytes }] of documents) writeFileSync(join(directory, name), bytes);
      writeFileSync(join(directory, "version"), "Directory Transport Version: 1.1\n");
      writeFileSync(join(directory, "manifest.json"), top.bytes);
      return Promise.resolve();
    },
  };
}
