import type { Image } from "#image";
import { defineCommand, type Invocation } from "../command.ts";
import { matchesImage, matchesReference, parseImageFilters } from "../image-filters.ts";
import { displayId, imageColumns } from "../image-words.ts";

const imagesFlags = {
  all: { kind: "boolean", short: "a", summary: "Taken for docker's sake: no image is hidden here" },
  digests: { kind: "boolean", summary: "Add a column with the digest of the manifest" },
  filter: {
    kind: "list",
    short: "f",
    value: "NAME=VALUE",
    summary: "Show only those that match: before, since, reference, dangling, label, until",
  },
  format: {
    kind: "string",
    value: "table|json|TEMPLATE",
    summary: "How to print: a table, one JSON object a line, or a Go template",
  },
  "no-trunc": { kind: "boolean", summary: "Print IDs in full" },
  quiet: { kind: "boolean", short: "q", summary: "Print only IDs" },
  tree: { kind: "boolean", summary: "Show the platforms of each image below it" },
} as const;

export const images = defineCommand({
  name: "images",
  summary: "List images",
  usage: "[OPTIONS] [REPOSITORY[:TAG]]",
  flags: imagesFlags,
  arity: { min: 0, max: 1 },
  argument: "image",
  examples: [
    { command: "lighter images", explains: "Show every image in the store, newest first" },
    { command: "lighter images -q calculator", explains: "Print the IDs of the images called calculator" },
    {
      command: "lighter images --filter reference='registry.example/*' --format '{{.Repository}} {{.Size}}'",
      explains: "Print names and sizes of what came from one registry",
    },
  ],
  run: listImages,
});

export const imageLs = defineCommand({ ...images, name: "image ls" });

type Columns = readonly (readonly [string, keyof ReturnType<typeof rowObject>])[];

const columnsBefore: Columns = [
  ["REPOSITORY", "Repository"],
  ["TAG", "Tag"],
];
const columnsAfter: Columns = [
  ["IMAGE ID", "ID"],
  ["CREATED", "CreatedSince"],
  ["SIZE", "Size"],
];

async function listImages({ flags, args, io, openEngine }: Invocation<typeof imagesFlags>): Promise<number> {
  const filters = parseImageFilters(flags.filter);
  const patterns = filters.filter(({ name }) => name === "reference").map(({ value }) => value);
  await using engine = await openEngine();
  const scene = { nowMs: io.now(), find: (text: string) => engine.images.get(text) };
  const found = [...engine.images.list()].filter((image) => matchesImage(image, filters, scene));
  const rows = found
    .sort(newestFirst)
    .flatMap((image) => imageRows(image))
    .filter((row) => isWanted(row, patterns) && isWanted(row, args));
  if (flags.quiet) {
    const ids = new Set(rows.map((row) => displayId(row.image.id, flags["no-trunc"])));
    await io.stdout.write([...ids].map((id) => `${id}\n`).join(""));
    return 0;
  }
  if (flags.tree) {
    const { imageTree } = await import("../image-tree.ts");
    await io.stdout.write(imageTree(rows, engine.images));
    return 0;
  }
  const { printRows } = await import("../format/print-rows.ts");
  const columns = [
    ...columnsBefore,
    ...(flags.digests ? ([["DIGEST", "Digest"]] as const) : []),
    ...columnsAfter,
  ];
  const raw = `repository: {{.Repository}}
tag: {{.Tag}}
${flags.digests ? "digest: {{.Digest}}\n" : ""}image_id: {{.ID}}
created_at: {{.CreatedAt}}
virtual_size: {{.Size}}
`;
  const objects = rows.map((row) => rowObject(row, io.now(), flags["no-trunc"]));
  await io.stdout.write(
    printRows(
      { rows: objects, columns, titles: { Digest: "DIGEST", CreatedAt: "CREATED AT" }, raw },
      flags.format,
    ),
  );
  return 0;
}

/** One name of an image. */
export interface ImageRow {
  readonly image: Image;
  /** Undefined for an image with none. */
  readonly name: string | undefined;
}

function imageRows(image: Image): readonly ImageRow[] {
  if (image.names.length === 0) return [{ image, name: undefined }];
  return [...image.names].sort().map((name) => ({ image, name }));
}

function isWanted({ name }: ImageRow, patterns: readonly string[]): boolean {
  return name === undefined ? patterns.length === 0 : matchesReference(name, patterns);
}

function newestFirst(a: Image, b: Image): number {
  return (b.config.created ?? "").localeCompare(a.config.created ?? "") || a.id.localeCompare(b.id);
}

function rowObject({ image, name }: ImageRow, nowMs: number, isFull: boolean) {
  return imageColumns(
    {
      containers: "N/A",
      digest: (image.index ?? image.target).digest,
      id: displayId(image.id, isFull),
      name,
      created: image.config.created,
      sizeBytes: image.sizeBytes,
    },
    nowMs,
  );
}
