import { LighterError } from "#base";
import { type Descriptor, digestOf, encoded, familiarReference, parseReference } from "#oci";
import { isDescriptor, isRecord } from "../../documents.ts";
import { nameOf } from "../../image-index.ts";
import type { ImageSource } from "../endpoints.ts";
import { type FileView, invalid, readDocument } from "./file-view.ts";

const refName = "org.opencontainers.image.ref.name";

/** An OCI image layout, as a directory or in an archive. `name` chooses among several images. */
export function layoutSource(view: FileView, name: string | undefined): ImageSource {
  const read = (descriptor: Descriptor): Buffer => readDocument(view, blobPath(descriptor));
  return {
    description: view.description,
    async getTop() {
      const { annotations: _, ...descriptor } = chooseRow(view, name);
      const bytes = read(descriptor);
      if (digestOf(bytes) !== descriptor.digest)
        throw invalid(view, `its ${descriptor.digest} holds other bytes`);
      return { descriptor, bytes };
    },
    getManifest: async (descriptor) => read(descriptor),
    async *readBlob(blob, { offsetBytes }) {
      yield* view.open(blobPath(blob), offsetBytes);
    },
    repositoriesOf: () => [],
  };
}

/** The rows of a layout's index.json. */
export function layoutRows(view: FileView): readonly Descriptor[] {
  const value: unknown = JSON.parse(readDocument(view, "index.json").toString());
  const rows = isRecord(value) ? value["manifests"] : undefined;
  if (!Array.isArray(rows) || !rows.every(isDescriptor))
    throw invalid(view, "its index.json is no OCI index");
  return rows as readonly Descriptor[];
}

function chooseRow(view: FileView, name: string | undefined): Descriptor {
  const rows = layoutRows(view);
  const wanted = name === undefined ? rows : rows.filter((row) => hasName(row, name));
  const [first, ...others] = wanted;
  if (first !== undefined && others.every(({ digest }) => digest === first.digest)) return first;
  const names = rows.flatMap((row) => row.annotations?.[refName] ?? []);
  const known = names.length === 0 ? "" : ` (${names.join(", ")})`;
  throw new LighterError(
    first === undefined ? "IMAGE_NOT_FOUND" : "IMAGE_AMBIGUOUS",
    first === undefined
      ? `cannot find image "${name ?? ""}" in "${view.description}": it is not among those there${known}`
      : `cannot choose an image in "${view.description}": it holds several; add one of their names${known}`,
  );
}

function hasName(row: Descriptor, name: string): boolean {
  const full = nameOf(row.annotations ?? {});
  const names = [
    row.annotations?.[refName],
    full,
    full && familiarReference(parseReference(full)),
    row.digest,
  ];
  return names.includes(name);
}

export function blobPath({ digest }: Pick<Descriptor, "digest">): string {
  return `blobs/sha256/${encoded(digest)}`;
}
