import { LighterError } from "#base";
import { parseParagraph } from "./paragraph.ts";

/** What a Release file promises about a suite. */
export interface Release {
  readonly suite: string | undefined;
  readonly codename: string | undefined;
  /** Point release, as `12.15`. */
  readonly version: string | undefined;
  readonly dateMs: number;
  /** After this the file must not be believed. */
  readonly validUntilMs: number | undefined;
  /** Whether indexes can be fetched as `by-hash/SHA256/<hex>`, free of races with an update of the mirror. */
  readonly hasByHash: boolean;
  readonly architectures: readonly string[];
  readonly components: readonly string[];
  /** The SHA256 section, by path below the suite's folder. */
  readonly files: ReadonlyMap<string, ReleaseFile>;
}

export interface ReleaseFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/**
 * Reads a Release file (the signed text of InRelease).
 * @throws INDEX_INVALID when the date or the SHA256 section is missing or malformed
 * @see https://wiki.debian.org/DebianRepository/Format#A.22Release.22_files
 */
export function parseRelease(text: string): Release {
  const paragraph = parseParagraph(text);
  const words = (field: string) => (paragraph.find(field) ?? "").split(/\s+/).filter((word) => word !== "");
  const validUntil = paragraph.find("Valid-Until");
  return Object.freeze({
    suite: paragraph.find("Suite"),
    codename: paragraph.find("Codename"),
    version: paragraph.find("Version"),
    dateMs: parseDate("Date", paragraph.find("Date")),
    validUntilMs: validUntil === undefined ? undefined : parseDate("Valid-Until", validUntil),
    hasByHash: paragraph.find("Acquire-By-Hash") === "yes",
    architectures: words("Architectures"),
    components: words("Components"),
    files: parseFiles(paragraph.find("SHA256")),
  });
}

function parseDate(field: string, value: string | undefined): number {
  const time = Date.parse(value ?? "");
  if (Number.isNaN(time))
    throw new LighterError(
      "INDEX_INVALID",
      `cannot use Release file: its field ${field} is "${value ?? ""}"`,
    );
  return time;
}

function parseFiles(section: string | undefined): ReadonlyMap<string, ReleaseFile> {
  if (section === undefined)
    throw new LighterError("INDEX_INVALID", "cannot use Release file: it has no SHA256 section");
  const files = new Map<string, ReleaseFile>();
  for (const line of section.split("\n")) {
    if (line.trim() === "") continue;
    const match = /^\s*([0-9a-f]{64})\s+([0-9]{1,15})\s+(\S+)\s*$/.exec(line);
    const [, sha256, size, path] = match ?? [];
    if (sha256 === undefined || size === undefined || path === undefined)
      throw new LighterError(
        "INDEX_INVALID",
        `cannot use Release file: ${JSON.stringify(line)} in its SHA256 section is no digest, size and path`,
      );
    files.set(path, { path, sizeBytes: Number(size), sha256 });
  }
  return files;
}
