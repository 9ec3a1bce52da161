import { formatBytes, formatDuration, LighterError } from "#base";
import { type Digest, familiarReference, parseReference } from "#oci";

/** `2 hours ago`; `N/A` for a time that the image does not tell. */
export function ago(created: string | undefined, nowMs: number): string {
  const time = created === undefined ? Number.NaN : Date.parse(created);
  if (Number.isNaN(time) || created?.startsWith("0001-01-01") === true) return "N/A";
  return `${formatDuration(Math.max(0, nowMs - time))} ago`;
}

/** `2026-01-02 13:23:37 +0000 UTC`, as docker writes times in listings. */
export function createdAt(created: string | undefined): string {
  const time = created === undefined ? Number.NaN : Date.parse(created);
  if (Number.isNaN(time)) return "N/A";
  return `${new Date(time).toISOString().slice(0, 19).replace("T", " ")} +0000 UTC`;
}

/** A full name as docker lists it, in the parts of its table. */
export function splitName(fullName: string): { repository: string; tag: string; digest: string } {
  const reference = parseReference(fullName);
  const { tag, digest, ...bare } = reference;
  return {
    repository: familiarReference(bare),
    tag: tag ?? "<none>",
    digest: digest ?? "<none>",
  };
}

/** An image as docker's templates have it, in `images` and in `system df -v`; by the alphabet, as docker prints JSON. */
export function imageColumns(
  image: {
    readonly containers: string;
    readonly digest: string;
    readonly id: string;
    readonly name: string | undefined;
    readonly created: string | undefined;
    readonly sizeBytes: number;
  },
  nowMs: number,
) {
  const { name, created } = image;
  const { repository, tag } = name === undefined ? { repository: "<none>", tag: "<none>" } : splitName(name);
  const size = formatBytes(image.sizeBytes);
  return {
    Containers: image.containers,
    CreatedAt: createdAt(created),
    CreatedSince: ago(created, nowMs),
    Digest: image.digest,
    ID: image.id,
    Repository: repository,
    SharedSize: "N/A",
    Size: size,
    Tag: tag,
    UniqueSize: "N/A",
    VirtualSize: size,
  };
}

/** `calculator:latest` for `docker.io/library/calculator:latest`. */
export function familiarName(fullName: string): string {
  return familiarReference(parseReference(fullName));
}

/** What docker says first when a name has neither tag nor digest. */
export function defaultTagLine(text: string): string {
  const { tag, digest } = parseReference(text);
  const isGiven = digest !== undefined || /:[^/]*$/.test(text);
  return isGiven ? "" : `Using default tag: ${tag}\n`;
}

/** A name that stands for all of its tags. @throws ARGUMENT_INVALID when it has one, or a digest */
export function bareRepository(text: string): string {
  const { tag: _, digest, ...bare } = parseReference(text);
  const repository = familiarReference(bare);
  const isBare = digest === undefined && !/:[^/]*$/.test(text);
  if (isBare) return repository;
  throw new LighterError(
    "ARGUMENT_INVALID",
    `cannot use "${text}" with --all-tags: a tag can't be used with --all-tags/-a; give "${repository}"`,
  );
}

/** The ID in full (`sha256:…`) or as twelve digits. */
export function displayId(id: Digest, isFull: boolean): string {
  return isFull ? id : id.slice("sha256:".length, "sha256:".length + 12);
}
