import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type AttestationRequest, type BuildRequest, parseAttest, parseOutput } from "#build";
import type { Index, Manifest } from "#oci";
import { flatten } from "./flatten.ts";
import type { Lab } from "./lab.ts";

/** An exporter of a recorded solve. */
export interface RecordedExport {
  readonly type: string;
  readonly attrs: Readonly<Record<string, string>> | null;
}

/** `attest:provenance: mode=max` of a solve. */
export function attestationsOf(attributes: Readonly<Record<string, string>>): AttestationRequest {
  const asked = Object.entries(attributes).flatMap(([key, value]) => {
    const type = /^attest:(.*)$/.exec(key)?.[1];
    return type === undefined ? [] : [parseAttest([`type=${type}`, value].filter(Boolean).join(","))];
  });
  return Object.assign({}, ...asked) as AttestationRequest;
}

/** Writes what the reference exported as files, and says what is different. */
export async function outputDifference(
  lab: Lab,
  item: { readonly directory: string; readonly exports: readonly RecordedExport[] },
  request: Partial<BuildRequest>,
): Promise<string | undefined> {
  const expected = join(item.directory, "expected-0");
  const [first] = item.exports;
  if (first?.type !== "local" || !existsSync(expected)) return undefined;
  const directory = join(lab.folder, "output");
  rmSync(directory, { recursive: true, force: true });
  const attributes = Object.entries(first.attrs ?? {}).map(([key, value]) => `,${key}=${value}`);
  const outputs = [parseOutput(`type=local,dest=${directory}${attributes.join("")}`)];
  await lab.export("", { ...request, outputs });
  return compareFiles(comparable(expected), comparable(directory));
}

function comparable(directory: string): ReadonlyMap<string, string> {
  if (!existsSync(directory)) return new Map();
  const files = [...flatten([directory])].map(([path, text]): [string, string] => {
    const [mode = "", , ...content] = text.split(" ");
    // What a RUN took from /dev/urandom.
    if (/^unique2?$/.test(path)) return [path, mode];
    return [path, isStatement(path) ? statementFacts(join(directory, path)) : `${mode} ${content.join(" ")}`];
  });
  return new Map(files);
}

function isStatement(path: string): boolean {
  return /(?:^|\/)provenance(?:\.\w+)?\.json$/.test(path);
}

/** What provenance of two builders has in common: what it is about, and from which image. */
function statementFacts(path: string): string {
  const { subject, predicateType, predicate } = JSON.parse(readFileSync(path, "utf8")) as {
    subject: unknown;
    predicateType: string;
    predicate: { buildDefinition?: { resolvedDependencies?: readonly { uri: string }[] } };
  };
  const uris = predicate.buildDefinition?.resolvedDependencies?.map(({ uri }) => uri);
  return JSON.stringify([predicateType, subject, uris]);
}

function compareFiles(
  wanted: ReadonlyMap<string, string>,
  found: ReadonlyMap<string, string>,
): string | undefined {
  const paths = [...new Set([...wanted.keys(), ...found.keys()])].sort();
  const differences = paths.flatMap((path) =>
    wanted.get(path) === found.get(path)
      ? []
      : [`output ${path}: ${String(found.get(path))}, want ${String(wanted.get(path))}`],
  );
  return differences.length === 0 ? undefined : differences.slice(0, 4).join(" | ");
}

/** Writes an image with its attestations and says what of their places is not as BuildKit's. */
export async function attestationDifference(
  lab: Lab,
  request: Partial<BuildRequest>,
): Promise<string | undefined> {
  const directory = join(lab.folder, "attested");
  rmSync(directory, { recursive: true, force: true });
  const built = await lab.export("", {
    ...request,
    outputs: [parseOutput(`type=oci,tar=false,dest=${directory}`)],
  });
  const read = <T>(digest: string): T =>
    JSON.parse(readFileSync(join(directory, "blobs/sha256", digest.slice(7)), "utf8")) as T;
  const index = read<Index>(built.written?.descriptor.digest ?? "");
  const isAttestation = (row: Index["manifests"][number]): boolean =>
    row.platform?.architecture === "unknown";
  const images = (index.manifests ?? []).filter((row) => !isAttestation(row));
  const about = (index.manifests ?? []).filter(isAttestation);
  // FROM scratch alone makes nothing that could be attested.
  if (about.length === 0 && (index.manifests === undefined || built.plan.target === undefined))
    return undefined;
  if (images.length === 0 || images.length !== about.length)
    return `${images.length} images and ${about.length} attestation manifests`;
  for (const [at, row] of about.entries()) {
    if (row.annotations?.["vnd.docker.reference.digest"] !== images[at]?.digest)
      return "an attestation of nothing";
    if (read<Manifest>(row.digest).layers.length === 0) return "an attestation manifest without statements";
  }
  return undefined;
}
