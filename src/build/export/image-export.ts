import { LighterError } from "#base";
import type { Image, ImageStore, LayerBlob } from "#image";
import { chainId, type Reference } from "#oci";
import { finishImage, type Graph, type Plan, type Vertex, type VertexId } from "#plan";
import type { SnapshotName, Snapshotter } from "#snapshot";
import type { Base } from "../ports.ts";
import type { TreeResult } from "../solve/result.ts";
import type { CheckoutTimes } from "../times/checkout-times.ts";
import type { LayerOrigins } from "../times/layer-origins.ts";
import { layerTime } from "../times/layer-time.ts";

export interface ExportOptions {
  readonly plan: Plan;
  readonly target: TreeResult | undefined;
  readonly findResult: (vertex: VertexId) => Promise<TreeResult | undefined>;
  readonly findBase: (vertex: Vertex) => Base;
  readonly images: ImageStore;
  readonly snapshots: Snapshotter;
  readonly origins: LayerOrigins;
  readonly checkoutTimes: CheckoutTimes;
  readonly epochSeconds: number;
  readonly names: readonly Reference[];
}

/** Makes the layers that are missing and stores the image. */
export async function exportImage(options: ExportOptions): Promise<Image> {
  const { plan, images, snapshots, target, epochSeconds } = options;
  const layers = plan.target === undefined ? [] : await layersOf(plan.target.vertex, target, options);
  const diffIds = layers.map(({ diffId }) => diffId);
  const created = new Date(epochSeconds * 1000).toISOString().replace(/\.000Z$/, "Z");
  const image = images.create({
    config: finishImage(plan.image, { diffIds, created, describeLayer: () => describeTop(plan) }),
    layers,
    names: options.names,
    origin: { kind: "built" },
  });
  const chain = chainId(diffIds);
  // A tree that came out of --link is not the sum of its layers' snapshots; with this name it needs no unpacking.
  if (chain !== undefined && target?.snapshot !== undefined && snapshots.find(chain) === undefined)
    snapshots.alias(target.snapshot, chain);
  return image;
}

/** What BuildKit calls the layer of a step for which no instruction stands in the history. */
function describeTop(plan: Plan): string {
  const top = plan.target === undefined ? undefined : plan.graph.vertices.get(plan.target.vertex);
  return top?.op.kind === "exec" ? `mount / from exec ${top.op.args.join(" ")}` : (top?.name ?? "");
}

/** The layers of a vertex, bottom up. `result` is its own when the caller has it. */
async function layersOf(
  id: VertexId,
  result: TreeResult | undefined,
  options: ExportOptions,
): Promise<readonly LayerBlob[]> {
  const vertex = vertexOf(options.plan.graph, id);
  const { op } = vertex;
  if (op.kind === "image") return options.findBase(vertex).layers;
  if (op.kind === "merge") {
    const parts: (readonly LayerBlob[])[] = [];
    for (const { vertex: input } of vertex.inputs)
      parts.push(await layersOf(input, await options.findResult(input), options));
    return parts.flat();
  }
  const own = result ?? (await options.findResult(id));
  if (own?.snapshot === undefined) return [];
  const below = baseInput(vertex);
  const parent = options.snapshots.parent(own.snapshot);
  const lower =
    below === undefined
      ? []
      : await layersOf(below, await belowResult(below, { parent, own }, options), options);
  return [...lower, await commit(own, own.snapshot, options)];
}

/** The result of the step below; when its record is gone, what the snapshot above stands on tells it. */
async function belowResult(
  id: VertexId,
  above: { readonly parent: SnapshotName | undefined; readonly own: TreeResult },
  options: ExportOptions,
): Promise<TreeResult | undefined> {
  const found = await options.findResult(id);
  if (found !== undefined || above.parent === undefined) return found;
  return { kind: "tree", id: "", snapshot: above.parent, origin: above.own.origin };
}

function vertexOf(graph: Graph, id: VertexId): Vertex {
  const vertex = graph.vertices.get(id);
  if (vertex === undefined)
    throw new LighterError("INTERNAL", `cannot export: the graph has no vertex ${id}`);
  return vertex;
}

function baseInput({ op, inputs }: Vertex): VertexId | undefined {
  if (op.kind === "file") return op.base === undefined ? undefined : inputs[op.base]?.vertex;
  if (op.kind === "exec") return op.root === undefined ? undefined : inputs[op.root]?.vertex;
  return undefined;
}

async function commit(own: TreeResult, snapshot: SnapshotName, options: ExportOptions): Promise<LayerBlob> {
  const { epochSeconds, images, origins, checkoutTimes } = options;
  const { bornMs, checkouts } = own.origin;
  let checkoutSeconds: ReadonlySet<number> | undefined;
  const layer = await images.commitLayer(snapshot, {
    times: {
      key: String(epochSeconds),
      of(mtimeMs) {
        checkoutSeconds ??= checkoutTimes.load(checkouts);
        return layerTime(mtimeMs, { bornMs, checkoutSeconds, epochSeconds });
      },
    },
  });
  origins.put(layer.diffId, own.origin);
  return layer;
}
