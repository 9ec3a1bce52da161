import { errorMessage } from "#base";
import type { Graph, Vertex } from "#plan";
import type { ContextSource } from "../context/context-source.ts";
import type { BuildEvent, StepId, StepSummary } from "../events.ts";
import { type Miss, missText } from "../explain/miss.ts";
import type { Journal } from "../solve/journal.ts";

/** Says why a step had to run. */
export type ExplainMiss = (vertex: Vertex) => Miss | undefined;

/** Turns what the solver tells into the events of a build. */
export class EventJournal implements Journal {
  readonly #emit: (event: BuildEvent) => void;
  readonly #startedSteps = new Set<StepId>();
  readonly #endedSteps = new Set<StepId>();
  readonly #keys = new Map<StepId, { readonly op: string; readonly inputs: readonly string[] }>();
  readonly #done = new Set<StepId>();
  readonly #failures = new WeakMap<object, Vertex>();
  readonly counts = { ran: 0, cached: 0 };
  explain: ExplainMiss = () => undefined;
  /** Told of each step that ran and ended well, when its reason is known. */
  onRan: (vertex: Vertex) => void = () => undefined;

  constructor(emit: (event: BuildEvent) => void) {
    this.#emit = emit;
  }

  /** What each vertex was last keyed by. */
  get keys(): ReadonlyMap<StepId, { readonly op: string; readonly inputs: readonly string[] }> {
    return this.#keys;
  }

  /** Steps whose result is known. */
  get done(): ReadonlySet<StepId> {
    return this.#done;
  }

  planned(graph: Graph, more: readonly StepSummary[]): void {
    const steps = [...graph.vertices.values()].map(({ id, name, inputs }) => ({
      id,
      name,
      inputs: inputs.map(({ vertex }) => vertex),
    }));
    this.#emit({ kind: "planned", steps: [...steps, ...more] });
  }

  keyed(vertex: Vertex, key: { readonly op: string; readonly inputs: readonly string[] }): void {
    this.#keys.set(vertex.id, key);
  }

  hit(vertex: Vertex): void {
    if (this.#endedSteps.has(vertex.id)) return;
    this.started(vertex);
    this.counts.cached += 1;
    this.#done.add(vertex.id);
    this.#end(vertex.id, { kind: "finished", step: vertex.id, timeMs: Date.now(), cached: true });
  }

  started(vertex: Pick<Vertex, "id">): void {
    if (this.#startedSteps.has(vertex.id)) return;
    this.#startedSteps.add(vertex.id);
    this.#emit({ kind: "started", step: vertex.id, timeMs: Date.now() });
  }

  finished(vertex: Vertex): void {
    if (vertex.op.kind === "exec" || vertex.op.kind === "file" || vertex.op.kind === "merge")
      this.counts.ran += 1;
    this.#done.add(vertex.id);
    this.#end(vertex.id, {
      kind: "finished",
      step: vertex.id,
      timeMs: Date.now(),
      cached: false,
      ...this.#reason(vertex),
    });
    this.onRan(vertex);
  }

  #reason(vertex: Vertex): { readonly reason?: string; readonly miss?: Miss } {
    const miss = this.explain(vertex);
    return miss === undefined ? {} : { reason: missText(miss), miss };
  }

  /** Does the work of a step that is no vertex, and tells of it. */
  async step<T>(step: StepId, work: () => Promise<T>): Promise<T> {
    this.started({ id: step });
    try {
      const result = await work();
      this.ended(step);
      return result;
    } catch (error) {
      this.#end(step, { kind: "failed", step, timeMs: Date.now(), message: errorMessage(error) });
      throw error;
    }
  }

  /** A step that is no vertex has ended: exporting. */
  ended(step: StepId): void {
    this.#end(step, { kind: "finished", step, timeMs: Date.now(), cached: false });
  }

  failed(vertex: Vertex, error: unknown): void {
    const first = this.failedVertex(error);
    // Steps that wait for one that failed fail with its error; it is told once.
    if (first !== undefined && first.id !== vertex.id) return;
    if (typeof error === "object" && error !== null) this.#failures.set(error, vertex);
    this.started(vertex);
    this.#end(vertex.id, {
      kind: "failed",
      step: vertex.id,
      timeMs: Date.now(),
      message: errorMessage(error),
      ...this.#reason(vertex),
    });
  }

  cancelled(vertex: Vertex): void {
    if (!this.#startedSteps.has(vertex.id)) return;
    this.#end(vertex.id, { kind: "cancelled", step: vertex.id, timeMs: Date.now() });
  }

  /** The vertex in which an error arose. */
  failedVertex(error: unknown): Vertex | undefined {
    return typeof error === "object" && error !== null ? this.#failures.get(error) : undefined;
  }

  note(vertex: Vertex, text: string): void {
    this.#emit({ kind: "note", step: vertex.id, text });
  }

  output(vertex: Vertex, stream: "stdout" | "stderr", chunk: Uint8Array): void {
    this.#emit({ kind: "output", step: vertex.id, stream, chunk, timeMs: Date.now() });
  }

  contextRead(vertex: Vertex, { counts }: ContextSource): void {
    if (this.#endedSteps.has(vertex.id)) return;
    this.note(vertex, `${counts.files} files, ${counts.read} read`);
    this.#end(vertex.id, { kind: "finished", step: vertex.id, timeMs: Date.now(), cached: false });
  }

  #end(step: StepId, event: BuildEvent): void {
    if (this.#endedSteps.has(step)) return;
    this.#endedSteps.add(step);
    this.#emit(event);
  }
}
