import { digestOf } from "#oci";
import type { Edge, ExecOp, Graph, LocalOp, Op, Vertex, VertexId } from "./graph.ts";

/** All of a vertex but its id. */
export type VertexParts = Omit<Vertex, "id" | "ignoreCache"> & { readonly ignoreCache?: boolean };

/** Collects the vertices of a graph; equal definitions become one vertex, and the first keeps its name. */
export class GraphBuilder {
  readonly #vertices = new Map<VertexId, Vertex>();

  add(parts: VertexParts, identity = identityOf(parts.op)): Edge {
    const id = digestOf(JSON.stringify([identity, parts.inputs.map(({ vertex }) => vertex)]));
    const known = this.#vertices.get(id);
    if (known === undefined) this.#vertices.set(id, Object.freeze({ ignoreCache: false, ...parts, id }));
    else if (parts.ignoreCache === true)
      this.#vertices.set(id, Object.freeze({ ...known, ignoreCache: true }));
    return Object.freeze({ vertex: id, output: 0 });
  }

  /**
   * The graph below `target`, in the order in which vertices were added. `pathsOf` says what is wanted of a local
   * context, which is known only at the end.
   */
  finish(target: Edge | undefined, pathsOf: (op: LocalOp) => readonly string[] | undefined): Graph {
    const reachable = this.#reachable(target);
    const vertices = new Map<VertexId, Vertex>();
    for (const [id, vertex] of this.#vertices) {
      if (!reachable.has(id)) continue;
      const { op } = vertex;
      const paths = op.kind === "local" ? pathsOf(op) : undefined;
      vertices.set(
        id,
        op.kind === "local" && paths ? Object.freeze({ ...vertex, op: { ...op, paths } }) : vertex,
      );
    }
    return Object.freeze({ vertices });
  }

  #reachable(target: Edge | undefined): ReadonlySet<VertexId> {
    const reachable = new Set<VertexId>();
    const waiting = target === undefined ? [] : [target.vertex];
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
      if (reachable.has(id)) continue;
      reachable.add(id);
      for (const { vertex } of this.#vertices.get(id)?.inputs ?? []) waiting.push(vertex);
    }
    return reachable;
  }
}

/** The part of an operation that its result depends on. */
function identityOf(op: Op): unknown {
  return op.kind === "local" ? { kind: op.kind, context: op.context } : op;
}

/**
 * The part of a RUN that its result depends on, with the digest of the variables it sees. What BuildKit leaves out of
 * its keys is left out here: proxies, addresses of extra hosts, names of caches.
 */
export function execIdentity(op: Omit<ExecOp, "env">, env: string): unknown {
  const { proxyEnv: _, ...rest } = op;
  return {
    ...rest,
    env,
    extraHosts: op.extraHosts.map(({ host }) => host),
    mounts: op.mounts.map((mount) => (mount.kind === "cache" ? { ...mount, id: "" } : mount)),
  };
}
