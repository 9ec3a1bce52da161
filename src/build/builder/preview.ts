import { digestOf, formatReference } from "#oci";
import { assumedBase, type Graph, type Vertex, type VertexId } from "#plan";
import { type Miss, missText } from "../explain/miss.ts";
import type { Base, BaseSource } from "../ports.ts";
import type { Foreseen, Sources } from "../solve/solver.ts";
import { timesOfContent } from "../times/time-origin.ts";

/** What a build would do, in the order in which steps are named. */
export interface Preview {
  readonly steps: readonly PreviewStep[];
}

export interface PreviewStep {
  readonly id: VertexId;
  /** BuildKit's words: `[builder 2/4] WORKDIR /src`. */
  readonly name: string;
  /**
   * `cached`: its result is there. `run`. `maybe`: it runs, unless what it takes of earlier steps comes out as it was.
   * `get`: a base or a remote file that has to be fetched. `read`: a context. `unneeded`: what uses it is cached.
   */
  readonly state: "cached" | "run" | "maybe" | "get" | "read" | "unneeded";
  /** Why it would run: {@link miss} as a person reads it. */
  readonly reason?: string;
  readonly miss?: Miss;
}

/** The preview that follows from what is foreseen. */
export function previewOf(
  graph: Graph,
  foreseen: ReadonlyMap<VertexId, Foreseen>,
  explain: (vertex: Vertex) => Miss | undefined,
): Preview {
  const steps = [...graph.vertices.values()].map((vertex): PreviewStep => {
    const { id, name, op } = vertex;
    const found = foreseen.get(id);
    if (op.kind === "local") return { id, name, state: found === undefined ? "unneeded" : "read" };
    if (found === undefined) return { id, name, state: "unneeded" };
    if (found === "known") return { id, name, state: "cached" };
    if (found === "get") return { id, name: unfetchedName(vertex), state: "get" };
    const miss = explain(vertex);
    if (found === "maybe" && (miss === undefined || miss.kind === "new"))
      return { id, name, state: found, reason: openText(vertex, { graph, foreseen }) };
    return { id, name, state: found, ...(miss !== undefined && { miss, reason: missText(miss) }) };
  });
  return { steps };
}

/** What has to be there before it is known whether a step runs. */
function openText(
  { inputs }: Vertex,
  { graph, foreseen }: { readonly graph: Graph; readonly foreseen: ReadonlyMap<VertexId, Foreseen> },
): string {
  const open = inputs.filter(({ vertex }) => foreseen.get(vertex) !== "known");
  const first = open.find(({ vertex }) => foreseen.get(vertex) === "get") ?? open[0];
  const step = first === undefined ? undefined : graph.vertices.get(first.vertex);
  return `it depends on what ${step === undefined ? "it takes" : unfetchedName(step)} gives`;
}

/** The digest of a base that nobody looked at is made up. */
function unfetchedName({ name }: Vertex): string {
  return name.replace(/@sha256:[0-9a-f]{64}$/, "");
}

export const unknownOrigin = "it has to be fetched";

/** Bases as far as they are at hand; the others are taken for images that set nothing. */
export function basesAtHand(bases: BaseSource): BaseSource {
  return {
    find: (reference, platform) => bases.find(reference, platform),
    describeSources: () => bases.describeSources(),
    async resolve(reference, { platform }) {
      const found = await bases.find(reference, platform);
      if (found !== undefined) return found;
      const { config } = assumedBase({ reference, platform });
      const unknown: Base = {
        digest: digestOf(`unknown ${formatReference(reference)}`),
        config,
        layers: [],
        origin: unknownOrigin,
        snapshot: async () => undefined,
      };
      return unknown;
    },
  };
}

/** Sources that tell of what was fetched, and of everything else only that it is not known. */
export function withoutFetching(sources: Sources, fetched: ReadonlySet<VertexId>): Sources {
  return {
    identify: async (vertex, signal) =>
      fetched.has(vertex.id)
        ? await sources.identify(vertex, signal)
        : { kind: "tree", id: `unknown ${vertex.id}`, origin: timesOfContent },
    fetch: (vertex, signal) => sources.fetch(vertex, signal),
  };
}
