import { LighterError } from "#base";
import type { ImageStore, LayerBlob, LayerTimes } from "#image";
import { chainId, type ImageConfig, type Platform } from "#oci";
import { finishImage, type Graph, type Plan, type Vertex, type VertexId } from "#plan";
import type { SnapshotName, Snapshotter } from "#snapshot";
import type { Base } from "../ports.ts";
import type { TreeResult } from "../solve/result.ts";
import type { LayerOrigins } from "../times/layer-origins.ts";
import { layerTimes } from "../times/layer-time.ts";
import type { RecordedTimes } from "../times/recorded-times.ts";
import type { TimeOrigin } from "../times/time-origin.ts";

/** What turns results of steps into layers. */
export interface LayerMaking {
  readonly findResult: (vertex: VertexId) => Promise<TreeResult | undefined>;
  readonly findBase: (vertex: Vertex) => Base;
  readonly images: ImageStore;
  readonly snapshots: Snapshotter;
  readonly origins: LayerOrigins;
  readonly recordedTimes: RecordedTimes;
  readonly epochSeconds: number;
  readonly signal: AbortSignal | undefined;
}

/** The result of a build for one platform. */
export interface PlatformResult {
  readonly plan: Plan;
  readonly target: TreeResult | undefined;
}

/** The image that a result is, layers made, not yet written down. */
export interface PlatformImage extends PlatformResult {
  readonly platform: Platform;
  readonly config: ImageConfig;
  readonly layers: readonly LayerBlob[];
  /** How many of the layers came with the base. */
  readonly baseLayers: number;
}

/** Makes the layers that are missing. */
export async function makeImage(result: PlatformResult, making: LayerMaking): Promise<PlatformImage> {
  const { plan, target } = result;
  const layers =
    plan.target === undefined ? [] : await layersOf(plan, plan.target.vertex, { making, target });
  const diffIds = layers.map(({ diffId }) => diffId);
  const created = formatTime(making.epochSeconds);
  const config = finishImage(plan.image, { diffIds, created, describeLayer: () => describeTop(plan) });
  keepName(result, diffIds, making.snapshots);
  const { os, architecture, variant } = config;
  return {
    ...result,
    platform: { os, architecture, ...(variant !== undefined && { variant }) },
    config,
    layers,
    baseLayers: plan.image.config.rootfs.diff_ids.length,
  };
}

/** RFC 3339, as configs have it. */
export function formatTime(epochSeconds: number): string {
  return new Date(epochSeconds * 1000).toISOString().replace(/\.000Z$/, "Z");
}

/** A tree that came out of --link is not the sum of its layers' snapshots; with this name it needs no unpacking. */
function keepName(
  { target }: PlatformResult,
  diffIds: readonly LayerBlob["diffId"][],
  snapshots: Snapshotter,
): void {
  const chain = chainId(diffIds);
  if (chain !== undefined && target?.snapshot !== undefined && snapshots.find(chain) === undefined)
    snapshots.alias(target.snapshot, chain);
}

/** What BuildKit calls the layer of a step for which no instruction stands in the history. */
function describeTop(plan: Plan): string {
  const top = plan.target === undefined ? undefined : plan.graph.vertices.get(plan.target.vertex);
  return top?.op.kind === "exec" ? `mount / from exec ${top.op.args.join(" ")}` : (top?.name ?? "");
}

/** The layers of a vertex, bottom up. `target` is its result when the caller has it. */
export async function layersOf(
  plan: Pick<Plan, "graph">,
  id: VertexId,
  { making, target }: { readonly making: LayerMaking; readonly target?: TreeResult | undefined },
): Promise<readonly LayerBlob[]> {
  const vertex = vertexOf(plan.graph, id);
  const { op } = vertex;
  if (op.kind === "image") return making.findBase(vertex).layers;
  if (op.kind === "merge") {
    const parts: (readonly LayerBlob[])[] = [];
    for (const { vertex: input } of vertex.inputs) parts.push(await layersOf(plan, input, { making }));
    return parts.flat();
  }
  const own = target ?? (await making.findResult(id));
  if (own?.snapshot === undefined) return [];
  const below = baseInput(vertex);
  const parent = making.snapshots.parent(own.snapshot);
  const lower =
    below === undefined
      ? []
      : await layersOf(plan, below, { making, target: await belowResult(below, { parent, own }, making) });
  return [...lower, await commit(own, own.snapshot, making)];
}

/** The result of the step below; when its record is gone, what the snapshot above stands on tells it. */
async function belowResult(
  id: VertexId,
  above: { readonly parent: SnapshotName | undefined; readonly own: TreeResult },
  making: LayerMaking,
): Promise<TreeResult | undefined> {
  const found = await making.findResult(id);
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

async function commit(own: TreeResult, snapshot: SnapshotName, making: LayerMaking): Promise<LayerBlob> {
  const { images, signal } = making;
  const layer = await images.commitLayer(snapshot, { times: timesInLayer(own.origin, making), signal });
  making.origins.put(layer.diffId, own.origin, making.epochSeconds);
  return layer;
}

/** The times in the layer of a step, by what its time origin says. */
export function timesInLayer(
  origin: TimeOrigin,
  { epochSeconds, recordedTimes }: Pick<LayerMaking, "epochSeconds" | "recordedTimes">,
): LayerTimes {
  let timeOf: LayerTimes["of"] | undefined;
  return {
    key: String(epochSeconds),
    of(mtimeMs) {
      // Loaded when a layer is made: most are there.
      timeOf ??= layerTimes(origin, { epochSeconds, recorded: recordedTimes });
      return timeOf(mtimeMs);
    },
  };
}
