import type { ParseResult } from "#dockerfile";
import { type Platform, samePlatform } from "#oci";
import type { Graph, LocalOp, Plan, Vertex, VertexId } from "#plan";
import type { Base } from "../ports.ts";
import { type BaseLookup, planBuild } from "./plan-build.ts";
import type { BuildInput } from "./read-dockerfile.ts";
import type { BuildRequest } from "./request.ts";

/** A build for one or several platforms, planned. */
export interface PlannedPlatforms {
  /** One a platform, in the order in which they were asked for; at least one. */
  readonly plans: readonly [Plan, ...Plan[]];
  /** The steps of all plans; what they have in common stands in it once. */
  readonly graph: Graph;
  readonly parsed: ParseResult;
  /** By `baseName`. */
  readonly bases: ReadonlyMap<string, Base>;
  /** Digests of files and commits of repositories, known when they were fetched. */
  readonly resolved?: ReadonlyMap<VertexId, string>;
}

/** Plans every platform that is asked for. @throws what {@link planBuild} throws */
export async function planPlatforms(
  request: BuildRequest,
  input: BuildInput,
  sources: BaseLookup,
): Promise<PlannedPlatforms> {
  const [first, ...others] = requestsOf(request);
  const planned = await planBuild(first, input, sources);
  const more = [];
  for (const other of others) more.push(await planBuild(other, input, sources));
  const plans = [planned.plan, ...more.map(({ plan }) => plan)] as const;
  return {
    plans,
    graph: more.length === 0 ? planned.plan.graph : mergeGraphs(plans.map(({ graph }) => graph)),
    parsed: planned.parsed,
    bases: new Map([planned, ...more].flatMap(({ bases }) => [...bases])),
  };
}

/** A platform that is named twice is built once. */
function requestsOf(request: BuildRequest): readonly [BuildRequest, ...BuildRequest[]] {
  const platforms = request.platforms ?? [];
  const [first, ...others] = platforms.filter(
    (platform, at) => platforms.findIndex((other) => isSame(other, platform)) === at,
  );
  if (first === undefined) return [request];
  return [{ ...request, platform: first }, ...others.map((platform) => ({ ...request, platform }))];
}

function isSame(a: Platform, b: Platform): boolean {
  return samePlatform(a, b) && a["os.version"] === b["os.version"];
}

/** Steps with one id are one step. Each keeps standing behind its inputs. */
function mergeGraphs(graphs: readonly Graph[]): Graph {
  const vertices = new Map<VertexId, Vertex>();
  for (const graph of graphs)
    for (const [id, vertex] of graph.vertices) {
      const known = vertices.get(id);
      vertices.set(id, known === undefined ? vertex : joined(known, vertex));
    }
  return { vertices };
}

function joined(one: Vertex, other: Vertex): Vertex {
  const ignoreCache = one.ignoreCache || other.ignoreCache;
  if (one.op.kind !== "local" || other.op.kind !== "local") return { ...one, ignoreCache };
  return { ...one, ignoreCache, op: withPathsOf(one.op, other.op) };
}

/** What is wanted of a context is what each platform wants. */
function withPathsOf({ paths, ...one }: LocalOp, other: LocalOp): LocalOp {
  if (paths === undefined || other.paths === undefined) return one;
  return { ...one, paths: [...new Set([...paths, ...other.paths])].sort() };
}
