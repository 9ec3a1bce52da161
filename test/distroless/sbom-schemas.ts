import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv, type ValidateFunction } from "ajv";

/** CycloneDX's own schema, which its library brings. */
export function cycloneDxValidator(): ValidateFunction {
  const read = (name: string) =>
    JSON.parse(
      readFileSync(join("node_modules/@cyclonedx/cyclonedx-library/res/schema", name), "utf8"),
    ) as object;
  const ajv = validator();
  ajv.addSchema(read("spdx.SNAPSHOT.schema.json"), "http://cyclonedx.org/schema/spdx.SNAPSHOT.schema.json");
  ajv.addSchema(
    read("jsf-0.82.SNAPSHOT.schema.json"),
    "http://cyclonedx.org/schema/jsf-0.82.SNAPSHOT.schema.json",
  );
  return ajv.compile(read("bom-1.6.SNAPSHOT.schema.json"));
}

/** What SPDX 2.3 says of the fields that our documents have; no other field may stand in them. */
export function spdxValidator(): ValidateFunction {
  return validator().compile(spdx);
}

function validator(): Ajv {
  const ajv = new Ajv({ strict: false, allErrors: true });
  ajv.addFormat("date-time", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/);
  ajv.addFormat("uri", /^[a-z][a-z0-9+.-]*:[^\s<>]+$/);
  ajv.addFormat("iri-reference", /^[^\s<>]*$/);
  ajv.addFormat("idn-email", /^[^\s<>@]+@[^\s<>@]+$/);
  return ajv;
}

const text = { type: "string", minLength: 1 };
const id = { type: "string", pattern: "^SPDXRef-[A-Za-z0-9.-]+$" };
const url = { type: "string", pattern: "^https?://[^\\s]+$" };
const license = { type: "string", pattern: "^(?:NOASSERTION|NONE|[A-Za-z0-9.+() -]+)$" };
const closed = (properties: object, ...required: readonly string[]) => ({
  type: "object",
  properties,
  required,
  additionalProperties: false,
});
const listOf = (items: object) => ({ type: "array", items, minItems: 1 });

/** @see https://spdx.github.io/spdx-spec/v2.3/ */
const spdx = closed(
  {
    spdxVersion: { const: "SPDX-2.3" },
    dataLicense: { const: "CC0-1.0" },
    SPDXID: { const: "SPDXRef-DOCUMENT" },
    name: text,
    documentNamespace: { type: "string", format: "uri", pattern: "^[^#]+$" },
    creationInfo: closed(
      {
        created: { type: "string", pattern: "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$" },
        creators: listOf({ type: "string", pattern: "^(?:Tool|Person|Organization): .+$" }),
      },
      "created",
      "creators",
    ),
    packages: listOf(
      closed(
        {
          SPDXID: id,
          name: text,
          versionInfo: text,
          supplier: { type: "string", pattern: "^(?:NOASSERTION|(?:Person|Organization): [^<>]+)$" },
          homepage: url,
          summary: text,
          comment: text,
          sourceInfo: text,
          downloadLocation: { anyOf: [url, { enum: ["NOASSERTION", "NONE"] }] },
          filesAnalyzed: { const: false },
          licenseConcluded: license,
          licenseDeclared: license,
          copyrightText: text,
          primaryPackagePurpose: { enum: ["CONTAINER", "LIBRARY"] },
          checksums: listOf(
            closed(
              {
                algorithm: { const: "SHA256" },
                checksumValue: { type: "string", pattern: "^[0-9a-f]{64}$" },
              },
              "algorithm",
              "checksumValue",
            ),
          ),
          externalRefs: listOf(
            closed(
              {
                referenceCategory: { const: "PACKAGE-MANAGER" },
                referenceType: { const: "purl" },
                referenceLocator: { type: "string", pattern: "^pkg:[a-z]+/[^\\s]+@[^\\s]+$" },
              },
              "referenceCategory",
              "referenceType",
              "referenceLocator",
            ),
          ),
        },
        "SPDXID",
        "name",
        "downloadLocation",
      ),
    ),
    relationships: listOf(
      closed(
        { spdxElementId: id, relatedSpdxElement: id, relationshipType: { enum: ["DESCRIBES", "CONTAINS"] } },
        "spdxElementId",
        "relatedSpdxElement",
        "relationshipType",
      ),
    ),
  },
  "spdxVersion",
  "dataLicense",
  "SPDXID",
  "name",
  "documentNamespace",
  "creationInfo",
);
