import type { Digest } from "#oci";

/** What somebody says about files: the in-toto form. @see https://github.com/in-toto/attestation/blob/v1.0/spec/v1.0/statement.md */
export interface Statement {
  readonly _type: "https://in-toto.io/Statement/v1";
  readonly predicateType: string;
  readonly subject: readonly Subject[];
  readonly predicate: unknown;
}

export interface Subject {
  /** A package URL, or the path of a file. */
  readonly name: string;
  readonly digest: { readonly sha256: string };
}

/** A predicate that still lacks what it is about. */
export interface Predicate {
  readonly type: string;
  /** Of the file in a directory or archive: `provenance`, `sbom`. */
  readonly name: string;
  readonly body: unknown;
}

export const predicateTypes = {
  spdx: "https://spdx.dev/Document",
  provenance1: "https://slsa.dev/provenance/v1",
  provenance02: "https://slsa.dev/provenance/v0.2",
} as const;

export function makeStatement(predicate: Predicate, subject: readonly Subject[]): Statement {
  return {
    _type: "https://in-toto.io/Statement/v1",
    predicateType: predicate.type,
    subject,
    predicate: predicate.body,
  };
}

export function subjectOf(name: string, digest: Digest): Subject {
  return { name, digest: { sha256: digest.slice("sha256:".length) } };
}
