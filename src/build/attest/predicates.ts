import type { Host } from "#host";
import type { Reference } from "#oci";
import { familiarReference } from "#oci";
import type { Snapshotter } from "#snapshot";
import type { PlatformResult } from "../export/platform-image.ts";
import type { AttestationRequest } from "./attestations.ts";
import { type ProvenanceFacts, provenanceOf } from "./provenance.ts";
import { sbomOf } from "./scan.ts";
import type { Predicate } from "./statement.ts";

/** What is said about the result for one platform. */
export type MakePredicates = (result: PlatformResult) => readonly Predicate[];

/** The attestations that a request asks for; undefined when it asks for none. Each is made once. */
export function createPredicates(
  request: AttestationRequest,
  parts: {
    readonly host: Host;
    readonly snapshots: Snapshotter;
    readonly names: readonly Reference[];
    readonly created: string;
    readonly factsOf: (result: PlatformResult) => ProvenanceFacts;
  },
): MakePredicates | undefined {
  const { provenance, sbom } = request;
  if (provenance === undefined && sbom !== true) return undefined;
  const made = new Map<PlatformResult["plan"], readonly Predicate[]>();
  const make = (result: PlatformResult): readonly Predicate[] => [
    ...(sbom === true ? [scan(result, parts)] : []),
    ...(provenance === undefined ? [] : [provenanceOf(parts.factsOf(result), provenance)]),
  ];
  return (result) => {
    // As BuildKit: nothing was made, so there is nothing to say.
    if (result.target === undefined) return [];
    const predicates = made.get(result.plan) ?? make(result);
    made.set(result.plan, predicates);
    return predicates;
  };
}

function scan(
  { target }: PlatformResult,
  { host, snapshots, names, created }: Parameters<typeof createPredicates>[1],
): Predicate {
  const [name] = names;
  return sbomOf(target?.snapshot === undefined ? [] : snapshots.layers(target.snapshot), {
    files: host.files,
    name: name === undefined ? "image" : familiarReference(name),
    digest: undefined,
    created,
    tool: "lighter",
  });
}
