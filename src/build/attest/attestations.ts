import { LighterError } from "#base";
import { Attributes } from "../export/attributes.ts";
import type { ProvenanceOptions } from "./provenance.ts";

/** What is to be said about the images of a build. Nothing without being asked: see docs/adr/0040-attestations-are-asked-for.md. */
export interface AttestationRequest {
  readonly provenance?: ProvenanceOptions;
  readonly sbom?: boolean;
}

/**
 * Reads `--attest`: `type=provenance,mode=max` or `type=sbom`. A generator image of an SBOM is refused: lighter reads the
 * package databases itself.
 * @throws ARGUMENT_INVALID
 */
export function parseAttest(text: string): AttestationRequest {
  const attributes = new Attributes("attest", text);
  const type = attributes.takeChoice("type", ["provenance", "sbom"]);
  if (type === undefined) throw attributes.fault("it has no type; want type=provenance or type=sbom");
  const isOff = attributes.takeBoolean("disabled") ?? false;
  const request = type === "sbom" ? readSbom(attributes) : readProvenance(attributes);
  attributes.end();
  return isOff ? {} : request;
}

/** Reads the value of `--provenance`: true, false, min, max, or attributes. @throws ARGUMENT_INVALID */
export function parseProvenance(text: string): AttestationRequest {
  if (isFalse(text)) return {};
  if (isTrue(text)) return parseAttest("type=provenance");
  if (text === "min" || text === "max") return parseAttest(`type=provenance,mode=${text}`);
  return parseAttest(`type=provenance,${text}`);
}

/** Reads the value of `--sbom`: true, false, or attributes. @throws ARGUMENT_INVALID */
export function parseSbom(text: string): AttestationRequest {
  if (isFalse(text)) return {};
  return parseAttest(isTrue(text) ? "type=sbom" : `type=sbom,${text}`);
}

function isTrue(text: string): boolean {
  return ["true", "1", ""].includes(text.toLowerCase());
}

function isFalse(text: string): boolean {
  return ["false", "0"].includes(text.toLowerCase());
}

function readProvenance(attributes: Attributes): AttestationRequest {
  const mode = attributes.takeChoice("mode", ["min", "max"]) ?? "min";
  const version = attributes.takeChoice("version", ["v1", "v0.2"]) ?? "v1";
  const builderId = attributes.take("builder-id") ?? "";
  // Both are so anyway: no times are in it, and it stands in the index, never in the image.
  attributes.takeBoolean("reproducible");
  attributes.takeBoolean("inline-only");
  return { provenance: { mode, version, builderId } };
}

function readSbom(attributes: Attributes): AttestationRequest {
  const generator = attributes.take("generator");
  if (generator !== undefined)
    throw new LighterError(
      "ARGUMENT_INVALID",
      `cannot run SBOM generator "${generator}": lighter reads the package databases itself; leave generator away`,
    );
  return { sbom: true };
}
