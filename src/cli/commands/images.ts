import { formatBytes } from "#base";
import type { Image } from "#image";
import { defineCommand, type Invocation } from "../command.ts";
import { ago, displayId, splitName } from "../image-words.ts";
import { formatFlag, jsonLines, parseListFormat } from "../list-format.ts";
import { formatTable } from "../table.ts";

const imagesFlags = {
  all: { kind: "boolean", short: "a", summary: "Taken for docker's sake: no image is hidden here" },
  digests: { kind: "boolean", summary: "Add a column with the digest of the manifest" },
  ...formatFlag,
  "no-trunc": { kind: "boolean", summary: "Print IDs in full" },
  quiet: { kind: "boolean", short: "q", summary: "Print only IDs" },
} as const;

export const images = defineCommand({
  name: "images",
  summary: "List images",
  usage: "[OPTIONS] [REPOSITORY[:TAG]]",
  flags: imagesFlags,
  arity: { min: 0, max: 1 },
  argument: "image",
  notYet: ["filter", "-f", "tree"],
  examples: [
    { command: "lighter images", explains: "Show every image in the store, newest first" },
    { command: "lighter images -q calculator", explains: "Print the IDs of the images called calculator" },
  ],
  run: listImages,
});

export const imageLs = defineCommand({ ...images, name: "image ls" });

async function listImages({ flags, args, io, openEngine }: Invocation<typeof imagesFlags>): Promise<number> {
  const format = parseListFormat(flags.format);
  await using engine = await openEngine();
  const found = [...engine.images.list()].sort(newestFirst);
  const rows = found.flatMap((image) => imageRows(image)).filter((row) => matches(row, args[0]));
  if (flags.quiet) {
    const ids = new Set(rows.map((row) => displayId(row.image.id, flags["no-trunc"])));
    await io.stdout.write([...ids].map((id) => `${id}\n`).join(""));
  } else if (format === "json") {
    await io.stdout.write(jsonLines(rows.map((row) => rowObject(row, io.now(), flags["no-trunc"]))));
  } else {
    await io.stdout.write(
      imagesTable(rows, { nowMs: io.now(), isFull: flags["no-trunc"], digests: flags.digests }),
    );
  }
  return 0;
}

interface Row {
  readonly image: Image;
  readonly repository: string;
  readonly tag: string;
}

function imageRows(image: Image): readonly Row[] {
  if (image.names.length === 0) return [{ image, repository: "<none>", tag: "<none>" }];
  return [...image.names].sort().map((name) => {
    const { repository, tag } = splitName(name);
    return { image, repository, tag };
  });
}

function matches(row: Row, wanted: string | undefined): boolean {
  if (wanted === undefined) return true;
  const colon = wanted.lastIndexOf(":");
  if (colon <= wanted.lastIndexOf("/")) return row.repository === wanted;
  return row.repository === wanted.slice(0, colon) && row.tag === wanted.slice(colon + 1);
}

function newestFirst(a: Image, b: Image): number {
  return (b.config.created ?? "").localeCompare(a.config.created ?? "") || a.id.localeCompare(b.id);
}

function imagesTable(
  rows: readonly Row[],
  options: { readonly nowMs: number; readonly isFull: boolean; readonly digests: boolean },
): string {
  const digestTitle = options.digests ? ["DIGEST"] : [];
  return formatTable(
    ["REPOSITORY", "TAG", ...digestTitle, "IMAGE ID", "CREATED", "SIZE"],
    rows.map(({ image, repository, tag }) => [
      repository,
      tag,
      ...(options.digests ? [image.target.digest] : []),
      displayId(image.id, options.isFull),
      ago(image.config.created, options.nowMs),
      formatBytes(image.sizeBytes),
    ]),
  );
}

function rowObject({ image, repository, tag }: Row, nowMs: number, isFull: boolean): unknown {
  return {
    CreatedAt: image.config.created ?? "N/A",
    CreatedSince: ago(image.config.created, nowMs),
    Digest: image.target.digest,
    ID: displayId(image.id, isFull),
    Repository: repository,
    Size: formatBytes(image.sizeBytes),
    Tag: tag,
  };
}
