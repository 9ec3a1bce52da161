import type { LayerBlob } from "#image";
import type { Plan, Vertex, VertexId } from "#plan";
import { type LayerMaking, layersOf } from "../export/platform-image.ts";
import type { KnownVertex } from "../solve/solver.ts";
import type { CacheDocument, PortableRecord } from "./artifact.ts";

export interface PortableResults {
  readonly document: CacheDocument;
  /** In the order of the document's diffIds. */
  readonly layers: readonly LayerBlob[];
}

interface RecordOptions {
  readonly plans: readonly Plan[];
  readonly known: ReadonlyMap<VertexId, KnownVertex>;
  readonly making: LayerMaking;
  readonly mode: "min" | "max";
}

/** The results of a build in the form in which they travel; their layers are made if nobody made them yet. */
export async function portableResults(options: RecordOptions): Promise<PortableResults> {
  const layers: LayerBlob[] = [];
  const places = new Map<string, number>();
  const records = new Map<VertexId, PortableRecord>();
  for (const plan of options.plans)
    for (const vertex of wanted(plan, options.mode)) {
      const known = options.known.get(vertex.id);
      if (known === undefined || records.has(vertex.id)) continue;
      const own = await layersOf(plan, vertex.id, { making: options.making });
      records.set(vertex.id, {
        keys: [...known.keys].sort(),
        id: known.id,
        name: vertex.name,
        layers: own.map((layer) => placeOf(layer, places, layers)),
      });
    }
  const { epochSeconds } = options.making;
  const diffIds = layers.map(({ diffId }) => diffId);
  return { layers, document: { epochSeconds, diffIds, records: [...records.values()] } };
}

function placeOf(layer: LayerBlob, places: Map<string, number>, layers: LayerBlob[]): number {
  const place = places.get(layer.diffId) ?? layers.length;
  if (place === layers.length) layers.push(layer);
  places.set(layer.diffId, place);
  return place;
}

/** `min`: the steps whose layers the image has; `max`: all. */
function wanted(plan: Plan, mode: "min" | "max"): readonly Vertex[] {
  const all = [...plan.graph.vertices.values()];
  if (mode === "max") return all;
  const chain = new Set<VertexId>();
  const waiting = plan.target === undefined ? [] : [plan.target.vertex];
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    chain.add(id);
    const vertex = plan.graph.vertices.get(id);
    if (vertex !== undefined) waiting.push(...belowOf(vertex).filter((below) => !chain.has(below)));
  }
  return all.filter(({ id }) => chain.has(id));
}

/** The vertices whose layers stand below those of the vertex itself. */
function belowOf({ op, inputs }: Vertex): readonly VertexId[] {
  if (op.kind === "merge") return inputs.map(({ vertex }) => vertex);
  const at = op.kind === "file" ? op.base : op.kind === "exec" ? op.root : undefined;
  const below = at === undefined ? undefined : inputs[at]?.vertex;
  return below === undefined ? [] : [below];
}
