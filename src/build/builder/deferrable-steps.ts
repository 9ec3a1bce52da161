import type { VertexId } from "#plan";
import type { PlannedPlatforms } from "./plan-platforms.ts";
import type { BuildRequest } from "./request.ts";

/**
 * Steps whose layer is asked for and whose tree is not: what ends a stage that only becomes an image. Nobody reads it in this
 * build, and whoever runs the image asks for the tree then.
 */
export function deferrableSteps(
  { plans, graph }: PlannedPlatforms,
  { outputs, squash, attestations }: BuildRequest,
): ReadonlySet<VertexId> {
  const wantsTree =
    squash === true ||
    attestations?.sbom === true ||
    outputs?.some(({ kind }) => kind !== "image" && kind !== "archive") === true;
  if (wantsTree) return new Set();
  const read = new Set(
    [...graph.vertices.values()].flatMap(({ inputs }) => inputs.map(({ vertex }) => vertex)),
  );
  const targets = plans.flatMap(({ target }) => (target === undefined ? [] : [target.vertex]));
  return new Set(targets.filter((id) => !read.has(id)));
}
