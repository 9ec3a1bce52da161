import { type Digest, type History, type ImageConfig, normalizePlatform, type Platform } from "#oci";
import type { PlanContext } from "./context.ts";
import type { HistoryStep, ImageTemplate, VertexId } from "./graph.ts";
import { configOf, historyOf } from "./image-draft.ts";
import type { StageState } from "./stage-state.ts";

/** What the plan can say of the image. */
export function imageTemplate(context: PlanContext, target: StageState): ImageTemplate {
  const config = configOf(target.image, context.options.labels);
  return Object.freeze({
    config: withPlatform(config, context),
    history: Object.freeze(historyOf(target.image)),
  });
}

/** A platform that was asked for is the image's, whatever the base says. */
function withPlatform(config: ImageConfig, context: PlanContext): ImageConfig {
  const asked = context.targetPlatform;
  const platform = context.isTargetImplicit ? config : { ...config, ...overriding(config, asked) };
  return normalizePlatform(platform) as ImageConfig;
}

function overriding(config: ImageConfig, asked: Platform): Partial<Platform> {
  const same = config.os === asked.os && config.architecture === asked.architecture;
  return {
    os: asked.os,
    architecture: asked.architecture,
    ...((asked.variant !== undefined || !same) && { variant: asked.variant }),
    ...((asked["os.version"] !== undefined || !same) && { "os.version": asked["os.version"] }),
    ...(asked["os.features"] !== undefined && { "os.features": asked["os.features"] }),
  };
}

/** What building told: the layers of the result, bottom up, and when they were made. */
export interface ImageFacts {
  readonly diffIds: readonly Digest[];
  /** RFC 3339, of the image. */
  readonly created: string;
  /** When the layer of a vertex was made; `created` where nothing is known. */
  readonly createdAt?: (vertex: VertexId) => string | undefined;
}

/** The config of the image that was built. */
export function finishImage(template: ImageTemplate, facts: ImageFacts): ImageConfig {
  const steps = template.history.map((step) => historyEntry(step, facts));
  return {
    ...template.config,
    created: facts.created,
    history: [...(template.config.history ?? []), ...steps],
    rootfs: { type: "layers", diff_ids: facts.diffIds },
  };
}

function historyEntry(step: HistoryStep, facts: ImageFacts): History {
  const created = step.layer === undefined ? facts.created : (facts.createdAt?.(step.layer) ?? facts.created);
  return {
    created,
    created_by: step.createdBy,
    comment: step.comment,
    ...(step.layer === undefined && { empty_layer: true }),
  };
}
