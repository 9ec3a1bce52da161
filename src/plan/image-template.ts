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
  /** What to say of a layer, by its index, that no instruction stands for: the files of a context used as a base. */
  readonly describeLayer?: (index: number) => string;
}

/** The config of the image that was built. History has a line for every layer, and no more layers than there are. */
export function finishImage(template: ImageTemplate, facts: ImageFacts): ImageConfig {
  const steps = template.history.map((step) => historyEntry(step, facts));
  const history = withEveryLayer([...(template.config.history ?? []), ...steps], facts);
  return {
    ...template.config,
    created: facts.created,
    history,
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

/** https://github.com/moby/buildkit/blob/v0.32.2/exporter/containerimage/writer.go (normalizeLayersAndHistory) */
function withEveryLayer(history: readonly History[], facts: ImageFacts): History[] {
  let layers = 0;
  const known = history.map((entry) => {
    if (entry.empty_layer === true || layers++ < facts.diffIds.length) return entry;
    return { ...entry, empty_layer: true };
  });
  const missing = facts.diffIds.slice(layers).map((_, index) => ({
    created: facts.created,
    created_by: facts.describeLayer?.(layers + index) ?? "",
    comment: "buildkit.exporter.image.v0",
  }));
  return [...known, ...missing];
}
