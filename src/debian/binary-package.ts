import { LighterError } from "#base";
import { type Paragraph, parseParagraph } from "./paragraph.ts";
import { type Dependency, parseDependencies, parseRelations, type Relation } from "./relation.ts";

/** A binary package as a Packages index describes it. */
export interface BinaryPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly isEssential: boolean;
  readonly priority: string;
  readonly multiArch: "no" | "same" | "foreign" | "allowed";
  /** `Pre-Depends` and `Depends`. */
  readonly dependencies: readonly Dependency[];
  readonly provides: readonly Relation[];
  readonly conflicts: readonly Relation[];
  readonly breaks: readonly Relation[];
  readonly replaces: readonly Relation[];
  /** Path below the archive's root: `pool/main/…`. */
  readonly filename: string;
  readonly sizeBytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
  readonly installedBytes: number;
}

/**
 * Reads a stanza of a Packages index.
 * @throws INDEX_INVALID when a field that the archive format demands is missing or no legal value
 * @see https://wiki.debian.org/DebianRepository/Format#A.22Packages.22_Indices
 */
export function parseBinaryPackage(stanza: string, nativeArchitecture: string): BinaryPackage {
  const paragraph = parseParagraph(stanza);
  const name = paragraph.find("Package") ?? "";
  const need = (field: string, pattern: RegExp): string => {
    const value = paragraph.find(field) ?? "";
    if (pattern.test(value)) return value;
    throw new LighterError("INDEX_INVALID", `cannot use package "${name}": its field ${field} is "${value}"`);
  };
  const relations = (field: string) => parseRelations(paragraph.find(field), nativeArchitecture);
  return Object.freeze({
    name: need("Package", /^[a-z0-9][a-z0-9+.-]*$/),
    version: need("Version", /^[A-Za-z0-9.+:~-]+$/),
    architecture: need("Architecture", /^[a-z0-9-]+$/),
    isEssential: paragraph.find("Essential") === "yes",
    priority: paragraph.find("Priority") ?? "optional",
    multiArch: multiArch(paragraph),
    dependencies: ["Pre-Depends", "Depends"].flatMap((field) =>
      parseDependencies(paragraph.find(field), nativeArchitecture),
    ),
    provides: relations("Provides"),
    conflicts: relations("Conflicts"),
    breaks: relations("Breaks"),
    replaces: relations("Replaces"),
    filename: need("Filename", /^(?!.*(?:^|\/)\.\.?(?:\/|$))[A-Za-z0-9.+~_%:-][A-Za-z0-9.+~_%:/-]*\.u?deb$/),
    sizeBytes: Number(need("Size", /^[0-9]{1,12}$/)),
    sha256: need("SHA256", /^[0-9a-f]{64}$/),
    installedBytes: (Number(paragraph.find("Installed-Size")) || 0) * 1024,
  });
}

function multiArch(paragraph: Paragraph): BinaryPackage["multiArch"] {
  const value = paragraph.find("Multi-Arch");
  return value === "same" || value === "foreign" || value === "allowed" ? value : "no";
}
