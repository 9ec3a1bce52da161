import type { Vertex } from "#plan";

/** Hears what becomes of each vertex. */
export interface Journal {
  /** What the vertex's first key is made of; may be called again when inputs turned out otherwise. */
  keyed(vertex: Vertex, key: { readonly op: string; readonly inputs: readonly string[] }): void;
  hit(vertex: Vertex): void;
  started(vertex: Vertex): void;
  finished(vertex: Vertex): void;
  failed(vertex: Vertex, error: unknown): void;
  cancelled(vertex: Vertex): void;
}
