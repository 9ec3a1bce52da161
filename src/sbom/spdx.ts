import { digestOf } from "#oci";
import { packageUrl, type Sbom, type SbomPackage } from "./package.ts";

/**
 * The SBOM as an SPDX 2.3 document. The same packages always give the same document: nothing in it is random.
 * @see https://spdx.github.io/spdx-spec/v2.3/
 */
export function formatSpdx(sbom: Sbom): Readonly<Record<string, unknown>> {
  const packages = sbom.packages.map((item) => spdxPackage(item, sbom));
  const root = rootPackage(sbom);
  return {
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: "SPDXRef-DOCUMENT",
    name: sbom.name,
    documentNamespace: `https://lighter.dev/spdx/${sbom.digest ?? identity(sbom)}`,
    creationInfo: { created: sbom.created, creators: [`Tool: ${sbom.tool}`] },
    packages: [root, ...packages],
    relationships: [
      relationship("SPDXRef-DOCUMENT", "DESCRIBES", root.SPDXID),
      ...packages.map(({ SPDXID }) => relationship(root.SPDXID, "CONTAINS", SPDXID)),
    ],
  };
}

function identity(sbom: Sbom): string {
  return digestOf(JSON.stringify([sbom.name, sbom.distribution, sbom.packages]));
}

function rootPackage(sbom: Sbom): { readonly SPDXID: string } & Readonly<Record<string, unknown>> {
  const { prettyName } = sbom.distribution ?? {};
  return {
    SPDXID: "SPDXRef-Image",
    name: sbom.name,
    ...(sbom.digest !== undefined && { versionInfo: sbom.digest, checksums: [checksumOf(sbom.digest)] }),
    primaryPackagePurpose: "CONTAINER",
    downloadLocation: "NOASSERTION",
    filesAnalyzed: false,
    licenseConcluded: "NOASSERTION",
    licenseDeclared: "NOASSERTION",
    copyrightText: "NOASSERTION",
    ...(prettyName !== undefined && { comment: `built on ${prettyName}` }),
  };
}

function spdxPackage(
  item: SbomPackage,
  { distribution }: Sbom,
): { readonly SPDXID: string } & Readonly<Record<string, unknown>> {
  return {
    SPDXID: spdxId(item),
    name: item.name,
    versionInfo: item.version,
    ...(item.maintainer !== undefined && { supplier: supplierOf(item.maintainer) }),
    ...(item.homepage !== undefined && { homepage: item.homepage }),
    ...(item.description !== undefined && { summary: item.description }),
    ...(item.checksum !== undefined && { checksums: [checksumOf(item.checksum)] }),
    primaryPackagePurpose: "LIBRARY",
    downloadLocation: item.downloadUrl ?? "NOASSERTION",
    filesAnalyzed: false,
    licenseConcluded: "NOASSERTION",
    licenseDeclared: item.license ?? "NOASSERTION",
    copyrightText: "NOASSERTION",
    sourceInfo: `listed in ${item.foundIn}${sourceText(item)}`,
    externalRefs: [
      {
        referenceCategory: "PACKAGE-MANAGER",
        referenceType: "purl",
        referenceLocator: packageUrl(item, distribution),
      },
    ],
  };
}

function sourceText({ source }: SbomPackage): string {
  return source === undefined ? "" : `; built from source package ${source.name} ${source.version}`;
}

/** SPDX takes organizations and persons, and addresses in parentheses. */
function supplierOf(maintainer: string): string {
  const match = /^(.*?)\s*<([^>]*)>$/.exec(maintainer.split("\n")[0] ?? "");
  const [, name = maintainer, address] = match ?? [];
  const kind = /team|maintainers|group|developers|project/i.test(name) ? "Organization" : "Person";
  return `${kind}: ${name}${address === undefined ? "" : ` (${address})`}`;
}

function checksumOf(digest: string): { readonly algorithm: string; readonly checksumValue: string } {
  return { algorithm: "SHA256", checksumValue: digest.slice("sha256:".length) };
}

/** Letters, digits, dots and hyphens are all that an identifier may have. */
function spdxId({ kind, name, architecture }: SbomPackage): string {
  const text = [kind, name, architecture].filter((part) => part !== undefined).join("-");
  return `SPDXRef-Package-${text.replaceAll("+", ".plus.").replaceAll(/[^A-Za-z0-9.-]/g, "-")}`;
}

function relationship(from: string, type: string, to: string): Readonly<Record<string, string>> {
  return { spdxElementId: from, relationshipType: type, relatedSpdxElement: to };
}
