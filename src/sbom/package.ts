import type { Digest } from "#oci";

/** A package that an image holds, as its own database or whoever put it there says. */
export interface SbomPackage {
  readonly kind: "deb" | "apk";
  readonly name: string;
  /** As the database has it, epoch and revision included. */
  readonly version: string;
  readonly architecture?: string;
  /** The source package, where it has another name or version. */
  readonly source?: { readonly name: string; readonly version: string };
  /** Who maintains it: `Name <address>`. */
  readonly maintainer?: string;
  readonly homepage?: string;
  readonly description?: string;
  /** An SPDX expression; absent: nothing is known. */
  readonly license?: string;
  /** Of the package's file, when it is known. */
  readonly checksum?: Digest;
  readonly downloadUrl?: string;
  /** The database in the image that lists it: `/var/lib/dpkg/status.d/base`. */
  readonly foundIn: string;
}

/** The system that the packages belong to: `/etc/os-release`. */
export interface Distribution {
  /** `debian`, `alpine`. */
  readonly id: string;
  /** `12`. */
  readonly versionId?: string;
  /** `Debian GNU/Linux 12 (bookworm)`. */
  readonly prettyName?: string;
}

/** What an image is made of. */
export interface Sbom {
  /** Name of what is described. */
  readonly name: string;
  /** Digest of what is described, when it has one; the document's identity is made of it. */
  readonly digest?: Digest;
  readonly distribution?: Distribution;
  /** Sorted by kind, name and architecture. */
  readonly packages: readonly SbomPackage[];
  /** RFC 3339. */
  readonly created: string;
  /** The program that wrote it: `lighter-0.1.0`. */
  readonly tool: string;
}

/**
 * The name by which tools know a package everywhere.
 * @see https://github.com/package-url/purl-spec/blob/main/types-doc/deb-definition.md
 */
export function packageUrl(item: SbomPackage, distribution?: Distribution): string {
  const vendor = distribution?.id ?? (item.kind === "deb" ? "debian" : "alpine");
  const { name, version } = item;
  const qualifiers = [
    ...(item.architecture === undefined ? [] : [["arch", item.architecture]]),
    ...(distribution?.versionId === undefined ? [] : [["distro", `${vendor}-${distribution.versionId}`]]),
    ...(item.source === undefined ? [] : [["upstream", upstreamOf(item.source, version)]]),
  ].map(([key, value]) => `${key}=${encode(value ?? "")}`);
  const query = qualifiers.length === 0 ? "" : `?${qualifiers.join("&")}`;
  return `pkg:${item.kind}/${encode(vendor)}/${encode(name)}@${encode(version)}${query}`;
}

/** With the version of the source package where it is another one than the package's, as scanners write it. */
function upstreamOf(source: NonNullable<SbomPackage["source"]>, version: string): string {
  return source.version === version ? source.name : `${source.name}@${source.version}`;
}

/** As purl wants it: the colon stays, the plus does not. */
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll("%3A", ":");
}
