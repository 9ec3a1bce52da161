import { formatDuration } from "#base";
import { type Digest, familiarReference, parseReference } from "#oci";

/** `2 hours ago`; `N/A` for a time that the image does not tell. */
export function ago(created: string | undefined, nowMs: number): string {
  const time = created === undefined ? Number.NaN : Date.parse(created);
  if (Number.isNaN(time) || created?.startsWith("0001-01-01") === true) return "N/A";
  return `${formatDuration(Math.max(0, nowMs - time))} ago`;
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

/** `calculator:latest` for `docker.io/library/calculator:latest`. */
export function familiarName(fullName: string): string {
  return familiarReference(parseReference(fullName));
}

/** The ID in full (`sha256:…`) or as twelve digits. */
export function displayId(id: Digest, isFull: boolean): string {
  return isFull ? id : id.slice("sha256:".length, "sha256:".length + 12);
}
