import { digestOf } from "#oci";
import { packageUrl, type Sbom, type SbomPackage } from "./package.ts";

/**
 * The SBOM as a CycloneDX 1.6 document. The same packages always give the same document: its serial number is made of what
 * it says.
 * @see https://cyclonedx.org/docs/1.6/json/
 */
export function formatCycloneDx(sbom: Sbom): Readonly<Record<string, unknown>> {
  const root = {
    type: "container",
    "bom-ref": "image",
    name: sbom.name,
    ...(sbom.digest !== undefined && { version: sbom.digest, hashes: [hashOf(sbom.digest)] }),
  };
  const components = sbom.packages.map((item) => component(item, sbom));
  const references = components.map((each) => each["bom-ref"]);
  return {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: `urn:uuid:${uuidOf(JSON.stringify([sbom.name, sbom.digest, references]))}`,
    version: 1,
    metadata: {
      timestamp: sbom.created,
      tools: { components: [{ type: "application", name: sbom.tool }] },
      component: root,
    },
    components: [...operatingSystem(sbom), ...components],
    dependencies: [{ ref: root["bom-ref"], dependsOn: references }],
  };
}

function operatingSystem({ distribution }: Sbom): readonly Readonly<Record<string, unknown>>[] {
  if (distribution === undefined) return [];
  const { id, versionId, prettyName } = distribution;
  return [
    {
      type: "operating-system",
      "bom-ref": "operating-system",
      name: id,
      ...(versionId !== undefined && { version: versionId }),
      ...(prettyName !== undefined && { description: prettyName }),
    },
  ];
}

function component(
  item: SbomPackage,
  { distribution }: Sbom,
): { readonly "bom-ref": string } & Readonly<Record<string, unknown>> {
  const purl = packageUrl(item, distribution);
  return {
    type: "library",
    "bom-ref": purl,
    ...(item.maintainer !== undefined && { supplier: { name: item.maintainer.replace(/\s*<[^>]*>$/, "") } }),
    name: item.name,
    version: item.version,
    ...(item.description !== undefined && { description: item.description }),
    ...(item.checksum !== undefined && { hashes: [hashOf(item.checksum)] }),
    ...(item.license !== undefined && { licenses: [{ expression: item.license }] }),
    purl,
    ...externalReferences(item),
    properties: [
      { name: "lighter:foundIn", value: item.foundIn },
      ...(item.source === undefined
        ? []
        : [{ name: "lighter:source", value: `${item.source.name} ${item.source.version}` }]),
    ],
  };
}

function externalReferences({ homepage, downloadUrl }: SbomPackage): Readonly<Record<string, unknown>> {
  const references = [
    ...(homepage === undefined ? [] : [{ type: "website", url: homepage }]),
    ...(downloadUrl === undefined ? [] : [{ type: "distribution", url: downloadUrl }]),
  ];
  return references.length === 0 ? {} : { externalReferences: references };
}

function hashOf(digest: string): { readonly alg: string; readonly content: string } {
  return { alg: "SHA-256", content: digest.slice("sha256:".length) };
}

/** A name-based UUID (version 8: of our own making). @see https://www.rfc-editor.org/rfc/rfc9562#section-5.8 */
function uuidOf(text: string): string {
  const hex = digestOf(text).slice("sha256:".length);
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 0x3) | 0x8).toString(16);
  const parts = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    variant + hex.slice(17, 20),
    hex.slice(20, 32),
  ];
  return parts.join("-");
}
