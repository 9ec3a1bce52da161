import { type Descriptor, Digester, digestOf, isDigest, type Manifest, mediaTypes } from "#oci";
import { layerTypeOf } from "../../compression.ts";
import { isRecord } from "../../documents.ts";
import type { ImageSource } from "../endpoints.ts";
import { type FileView, invalid, readDocument } from "./file-view.ts";
import { layoutSource } from "./layout-source.ts";

/** What `docker save` writes: an OCI layout too since docker 25; before that, files that a manifest is made for. */
export function dockerArchiveSource(view: FileView, name: string | undefined): ImageSource {
  if (view.findSize("index.json") !== undefined) return layoutSource(view, name);
  const files = new Map<string, string>();
  return {
    description: view.description,
    getTop: async () => makeManifest(view, { name, files }),
    getManifest: () => Promise.reject(invalid(view, "it has a single manifest")),
    async *readBlob({ digest }, { offsetBytes }) {
      const path = files.get(digest);
      if (path === undefined) throw invalid(view, `it has no ${digest}`);
      yield* view.open(path, offsetBytes);
    },
    repositoriesOf: () => [],
  };
}

function makeManifest(
  view: FileView,
  into: { readonly name: string | undefined; readonly files: Map<string, string> },
): { readonly descriptor: Descriptor; readonly bytes: Uint8Array } {
  const item = chooseItem(view, into.name);
  const describe = (path: string, mediaType: string | undefined): Descriptor => {
    const descriptor = describeFile(view, path);
    into.files.set(descriptor.digest, path);
    return { mediaType: mediaType ?? layerTypeOf(firstOf(view.open(path))), ...descriptor };
  };
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: describe(item.config, mediaTypes.config),
    layers: item.layers.map((path) => describe(path, undefined)),
  };
  const bytes = Buffer.from(JSON.stringify(manifest));
  return {
    bytes,
    descriptor: { mediaType: mediaTypes.manifest, digest: digestOf(bytes), size: bytes.length },
  };
}

function chooseItem(view: FileView, name: string | undefined): { config: string; layers: readonly string[] } {
  const value: unknown = JSON.parse(readDocument(view, "manifest.json").toString());
  const items = (Array.isArray(value) ? value : []).filter(isRecord);
  const item = items.find(
    ({ RepoTags }) => name === undefined || (Array.isArray(RepoTags) && RepoTags.includes(name)),
  );
  const [config, layers] = [item?.["Config"], item?.["Layers"]];
  if (name === undefined && items.length > 1)
    throw invalid(view, "it holds several images; add the name of one");
  if (
    typeof config !== "string" ||
    !Array.isArray(layers) ||
    !layers.every((path) => typeof path === "string")
  )
    throw invalid(
      view,
      name === undefined ? "its manifest.json is not docker's" : `it has no image "${name}"`,
    );
  return { config, layers: layers as readonly string[] };
}

function describeFile(
  view: FileView,
  path: string,
): { readonly digest: Descriptor["digest"]; readonly size: number } {
  const size = view.findSize(path);
  if (size === undefined) throw invalid(view, `it names ${path} but does not hold it`);
  const digest = `sha256:${/^blobs\/sha256\/([0-9a-f]{64})$/.exec(path)?.[1] ?? ""}`;
  if (isDigest(digest)) return { digest, size };
  const digester = new Digester();
  for (const chunk of view.open(path)) digester.update(chunk);
  return { digest: digester.digest(), size };
}

function firstOf([first]: Iterable<Buffer>): Buffer | undefined {
  return first;
}
