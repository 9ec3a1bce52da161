import { type Paragraph, parseParagraphs } from "#debian";
import type { Distribution, SbomPackage } from "./package.ts";

/** The files of a tree, as far as finding packages needs them. Paths have no leading slash; links have been followed. */
export interface SbomTree {
  /** The text of a file, or undefined. */
  read(path: string): string | undefined;
  /** Names in a directory, sorted; empty when there is none. */
  list(path: string): readonly string[];
}

/** Reads the package databases of a tree: dpkg's, the one of distroless images, and apk's. */
export function readPackages(tree: SbomTree): readonly SbomPackage[] {
  const found = [...debianPackages(tree), ...alpinePackages(tree)];
  const unique = new Map(found.map((item) => [`${item.kind} ${item.name} ${item.architecture}`, item]));
  return [...unique.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item);
}

/** `/etc/os-release`, or where it stands when /etc has none. */
export function readDistribution(tree: SbomTree): Distribution | undefined {
  const text = tree.read("etc/os-release") ?? tree.read("usr/lib/os-release");
  if (text === undefined) return undefined;
  const fields = new Map(
    text.split("\n").flatMap((line) => {
      const match = /^([A-Z_]+)=(?:"(.*)"|'(.*)'|(.*))$/.exec(line.trim());
      return match?.[1] === undefined ? [] : [[match[1], match[2] ?? match[3] ?? match[4] ?? ""] as const];
    }),
  );
  const versionId = fields.get("VERSION_ID");
  const prettyName = fields.get("PRETTY_NAME");
  return {
    id: fields.get("ID") ?? "linux",
    ...(versionId !== undefined && { versionId }),
    ...(prettyName !== undefined && { prettyName }),
  };
}

/** Distroless images have a file a package, so that layers need not share one. */
function debianPackages(tree: SbomTree): readonly SbomPackage[] {
  const folder = "var/lib/dpkg/status.d";
  const parts = tree.list(folder).filter((name) => !name.endsWith(".md5sums"));
  return ["var/lib/dpkg/status", ...parts.map((name) => `${folder}/${name}`)].flatMap((path) =>
    paragraphsOf(tree.read(path)).flatMap((paragraph) => debianPackage(paragraph, `/${path}`)),
  );
}

/** An image may hold any file under this name; what is no database lists nothing. */
function paragraphsOf(text: string | undefined): readonly Paragraph[] {
  if (text === undefined) return [];
  try {
    return [...parseParagraphs(text)];
  } catch {
    return [];
  }
}

function debianPackage(paragraph: Paragraph, foundIn: string): readonly SbomPackage[] {
  const name = paragraph.find("Package");
  const version = paragraph.find("Version");
  const status = paragraph.find("Status");
  if (name === undefined || version === undefined) return [];
  // Removed packages stay in the database while their configuration does.
  if (status !== undefined && !status.endsWith(" installed")) return [];
  const source = sourceOf(paragraph.find("Source"), { name, version });
  return [
    {
      kind: "deb",
      name,
      version,
      foundIn,
      ...(source !== undefined && { source }),
      ...optional(paragraph, {
        architecture: "Architecture",
        maintainer: "Maintainer",
        homepage: "Homepage",
      }),
      ...summaryOf(paragraph.find("Description")),
    },
  ];
}

/** `Source: glibc (2.36-9)`; absent when the package is its own source. */
function sourceOf(
  text: string | undefined,
  own: { readonly name: string; readonly version: string },
): SbomPackage["source"] {
  const match = /^(\S+)(?:\s+\((\S+)\))?$/.exec(text ?? "");
  if (match?.[1] === undefined) return undefined;
  return { name: match[1], version: match[2] ?? own.version };
}

function optional(
  paragraph: Paragraph,
  fields: Readonly<Record<string, string>>,
): Partial<Pick<SbomPackage, "architecture" | "maintainer" | "homepage">> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([key, field]) => {
      const value = paragraph.find(field);
      return value === undefined ? [] : [[key, value]];
    }),
  );
}

function summaryOf(description: string | undefined): { readonly description?: string } {
  const [first] = (description ?? "").split("\n");
  return first === undefined || first === "" ? {} : { description: first };
}

/** apk's database: lines `K:value`, a blank line between packages. */
function alpinePackages(tree: SbomTree): readonly SbomPackage[] {
  const path =
    tree.read("lib/apk/db/installed") === undefined ? "usr/lib/apk/db/installed" : "lib/apk/db/installed";
  const text = tree.read(path);
  if (text === undefined) return [];
  return text.split(/\n{2,}/).flatMap((block) => alpinePackage(block, `/${path}`));
}

function alpinePackage(block: string, foundIn: string): readonly SbomPackage[] {
  const fields = new Map(
    block
      .split("\n")
      .flatMap((line) => (line[1] === ":" ? [[line.slice(0, 1), line.slice(2)] as const] : [])),
  );
  const name = fields.get("P");
  const version = fields.get("V");
  if (name === undefined || version === undefined) return [];
  const [architecture, homepage, description, license, maintainer, origin] = Array.from("AUTLmo").map((key) =>
    fields.get(key),
  );
  return [
    {
      kind: "apk",
      name,
      version,
      foundIn,
      ...(architecture !== undefined && { architecture }),
      ...(homepage !== undefined && { homepage }),
      ...(description !== undefined && { description }),
      ...(license !== undefined && { license }),
      ...(maintainer !== undefined && { maintainer }),
      ...(origin !== undefined && origin !== name && { source: { name: origin, version } }),
    },
  ];
}
