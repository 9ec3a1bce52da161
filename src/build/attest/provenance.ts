import type { Digest, Platform, Reference } from "#oci";
import { familiarReference, formatPlatform, formatReference, recipeNameOf } from "#oci";
import type { Graph, Plan, Vertex } from "#plan";
import { type Predicate, predicateTypes } from "./statement.ts";

export interface ProvenanceOptions {
  /** `min`: what went in; `max`: also the values of arguments, the Dockerfile and every step. */
  readonly mode: "min" | "max";
  readonly version: "v1" | "v0.2";
  /** Who vouches for the build: a URL. */
  readonly builderId: string;
}

/** What a build of one platform was made from. */
export interface ProvenanceFacts {
  readonly plan: Plan;
  readonly platform: Platform;
  readonly buildPlatform: Platform;
  readonly bases: readonly {
    readonly reference: Reference;
    readonly platform: Platform;
    readonly digest: Digest;
    /** `assembled from Debian bookworm (recipe golang)`; empty when nobody knows. */
    readonly origin: string;
  }[];
  /** Contents of remote sources, as far as they are known. */
  readonly remotes: readonly { readonly url: string; readonly digest: Readonly<Record<string, string>> }[];
  readonly request: {
    readonly target?: string;
    readonly buildArgs: Readonly<Record<string, string>>;
    readonly labels: Readonly<Record<string, string>>;
    readonly dockerfile: { readonly name: string; readonly text: string };
    readonly contexts: readonly string[];
  };
}

/** What a reader needs to understand the parameters: docs/provenance.md of this project. */
const buildType = "https://lighter.dev/provenance/build/v1";

/**
 * Says what an image was built from, in the form of SLSA. It has neither times nor an identity of the run: the same input
 * gives the same provenance, and so the same index.
 * @see https://slsa.dev/spec/v1.0/provenance
 */
export function provenanceOf(facts: ProvenanceFacts, options: ProvenanceOptions): Predicate {
  const body = options.version === "v1" ? version1(facts, options) : version02(facts, options);
  const type = options.version === "v1" ? predicateTypes.provenance1 : predicateTypes.provenance02;
  return { type, name: "provenance", body };
}

function version1(facts: ProvenanceFacts, { mode, builderId }: ProvenanceOptions): unknown {
  return {
    buildDefinition: {
      buildType,
      externalParameters: {
        configSource: { path: facts.request.dockerfile.name },
        request: requestOf(facts, mode),
      },
      internalParameters: {
        builderPlatform: formatPlatform(facts.buildPlatform),
        ...(mode === "max" && { buildConfig: { steps: stepsOf(facts.plan.graph) } }),
      },
      resolvedDependencies: dependenciesOf(facts),
    },
    runDetails: {
      builder: { id: builderId },
      metadata: {
        completeness: { request: mode === "max", resolvedDependencies: isComplete(facts) },
        ...(mode === "max" && { source: sourceOf(facts) }),
      },
    },
  };
}

function version02(facts: ProvenanceFacts, { mode, builderId }: ProvenanceOptions): unknown {
  return {
    builder: { id: builderId },
    buildType,
    materials: materialsOf(facts),
    invocation: {
      configSource: { entryPoint: facts.request.dockerfile.name },
      parameters: requestOf(facts, mode),
      environment: { platform: formatPlatform(facts.buildPlatform) },
    },
    ...(mode === "max" && { buildConfig: { steps: stepsOf(facts.plan.graph) } }),
    metadata: {
      completeness: { parameters: mode === "max", environment: true, materials: isComplete(facts) },
      reproducible: false,
      ...(mode === "max" && { source: sourceOf(facts) }),
    },
  };
}

/** In `min` the values of arguments stay out: they may be nobody else's business. */
function requestOf({ request, platform, plan }: ProvenanceFacts, mode: ProvenanceOptions["mode"]): unknown {
  const secrets = plan.outline.secrets.map(needOf);
  const ssh = plan.outline.ssh.map(needOf);
  const args = {
    platform: formatPlatform(platform),
    ...(request.target !== undefined && { target: request.target }),
    ...(mode === "max" && {
      ...prefixed("build-arg:", request.buildArgs),
      ...prefixed("label:", request.labels),
    }),
  };
  return {
    frontend: "dockerfile.v0",
    args,
    locals: request.contexts.map((name) => ({ name })),
    ...(secrets.length > 0 && { secrets }),
    ...(ssh.length > 0 && { ssh }),
  };
}

function needOf({ name, required }: { readonly name: string; readonly required: boolean }): unknown {
  return { id: name, ...(!required && { optional: true }) };
}

function prefixed(prefix: string, values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => [prefix + key, value]),
  );
}

/** The materials, and what each base was made by, for which only this version has a place. */
function dependenciesOf(facts: ProvenanceFacts): readonly unknown[] {
  const origins = facts.bases.map(({ origin }) => origin);
  return materialsOf(facts).map((material, at) => {
    const origin = origins[at] ?? "";
    return origin === "" ? material : { ...material, annotations: { "dev.lighter.origin": origin } };
  });
}

interface Material {
  readonly uri: string;
  readonly digest: Readonly<Record<string, string>>;
}

/** Images by package URL, files and repositories by address; a password in an address stays out. */
function materialsOf({ bases, remotes }: ProvenanceFacts): readonly Material[] {
  const images = bases.map(({ reference, platform, digest }) => ({
    uri: recipeNameOf(reference) === undefined ? imageUrl(reference, platform) : formatReference(reference),
    digest: { sha256: digest.slice("sha256:".length) },
  }));
  return [...images, ...remotes.map(({ url, digest }) => ({ uri: withoutPassword(url), digest }))];
}

/** `pkg:docker/busybox@latest?platform=linux%2Famd64`. @see https://github.com/package-url/purl-spec */
export function imageUrl(reference: Reference, platform: Platform): string {
  const { tag, digest, ...repository } = reference;
  const version = tag ?? digest ?? "latest";
  const query = new URLSearchParams({
    ...(digest !== undefined && tag !== undefined && { digest }),
    platform: formatPlatform(platform),
  });
  return `pkg:docker/${familiarReference(repository)}@${encodeURIComponent(version)}?${query}`;
}

function withoutPassword(url: string): string {
  return url.replace(/^([a-z+]+:\/\/)[^/@]*@/i, "$1");
}

/** What a local directory held cannot be fetched by anybody else. */
function isComplete({ request, plan }: ProvenanceFacts): boolean {
  const isRemote = [...plan.graph.vertices.values()].every(({ op }) => op.kind !== "local");
  return isRemote && request.contexts.length === 0;
}

/** The steps in order, with numbers for names; environment, command and paths are as the plan has them. */
function stepsOf(graph: Graph): readonly unknown[] {
  const numbers = new Map([...graph.vertices.keys()].map((id, at) => [id, `step${at}`]));
  return [...graph.vertices.values()].map((vertex) => ({
    id: numbers.get(vertex.id),
    digest: vertex.id,
    name: vertex.name,
    op: operationOf(vertex),
    inputs: vertex.inputs.map(({ vertex: input }) => numbers.get(input)),
  }));
}

function operationOf({ op }: Vertex): unknown {
  if (op.kind === "http") return { ...op, url: withoutPassword(op.url) };
  if (op.kind === "git") return { ...op, remote: withoutPassword(op.remote) };
  if (op.kind !== "exec") return op;
  const { proxyEnv: _, ...rest } = op;
  return rest;
}

/** The Dockerfile, and the lines that each step stands for. */
function sourceOf({ request, plan }: ProvenanceFacts): unknown {
  const locations = [...plan.graph.vertices.values()].map(({ range }, at) => [
    `step${at}`,
    range === undefined
      ? {}
      : { locations: [{ ranges: [{ start: { line: range.startLine }, end: { line: range.endLine } }] }] },
  ]);
  const { name, text } = request.dockerfile;
  return {
    locations: Object.fromEntries(locations),
    infos: [{ filename: name, language: "Dockerfile", data: Buffer.from(text).toString("base64") }],
  };
}
