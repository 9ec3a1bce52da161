import type { ContentStore } from "#content";
import type { Host } from "#host";
import type { Image, ImageStore } from "#image";
import { type Digest, digestOf, formatPlatform } from "#oci";
import type { Snapshotter } from "#snapshot";
import { createPredicates } from "../attest/predicates.ts";
import type { EventJournal } from "../builder/event-journal.ts";
import { isMultiPlatform } from "../builder/multi-platform.ts";
import type { PlannedPlatforms } from "../builder/plan-platforms.ts";
import type { BuildRequest, WrittenImage } from "../builder/request.ts";
import type { BuildEvent, StepSummary } from "../events.ts";
import type { OpenRegistries } from "../ports.ts";
import { type OutputContext, outputName } from "./context.ts";
import { type ImageResult, writeImage, writeImageArchive } from "./image-outputs.ts";
import { type BuildOutput, storeOutput } from "./output.ts";
import {
  formatTime,
  type LayerMaking,
  makeImage,
  type PlatformImage,
  type PlatformResult,
} from "./platform-image.ts";
import { provenanceFacts } from "./provenance-facts.ts";
import { squashImage } from "./squash.ts";
import { writeTree } from "./tree-outputs.ts";

interface ExportParts {
  readonly content: ContentStore;
  readonly images: ImageStore;
  readonly snapshots: Snapshotter;
  readonly host: Host;
  readonly registries: OpenRegistries;
  readonly journal: EventJournal;
  readonly emit: (event: BuildEvent) => void;
}

/** What the outputs wrote. */
export interface Exported {
  readonly image?: Image;
  readonly written?: WrittenImage;
}

/** The outputs of one build: each is a step. */
export class ExportRun {
  readonly #request: BuildRequest;
  readonly #parts: ExportParts;
  readonly #outputs: readonly { readonly step: Digest; readonly output: BuildOutput }[];

  constructor(request: BuildRequest, parts: ExportParts) {
    this.#request = request;
    this.#parts = parts;
    const outputs = request.outputs ?? [storeOutput];
    this.#outputs = outputs.map((output, at) => ({ output, step: digestOf(`lighter: export ${at}`) }));
  }

  steps({ plans }: PlannedPlatforms): readonly StepSummary[] {
    const inputs = plans.flatMap(({ target }) => (target === undefined ? [] : [target.vertex]));
    return this.#outputs.map(({ step, output }) => ({ id: step, name: outputName(output), inputs }));
  }

  /** Writes every output, one after the other: they share layers and the disk. */
  async run(
    planned: PlannedPlatforms,
    making: LayerMaking,
    extendConfig?: OutputContext["extendConfig"],
  ): Promise<Exported> {
    const results = await resultsOf(planned, making);
    const platformImages = once(() => this.#makeImages(results, making));
    const shared = {
      ...this.#parts,
      results,
      isMultiPlatform: isMultiPlatform(this.#request),
      making,
      platformImages,
      ...this.#asked(planned, making),
      ...(extendConfig !== undefined && { extendConfig }),
    };
    const written: ImageResult[] = [];
    for (const { step, output } of this.#outputs) {
      const tell = (text: string): void => this.#parts.emit({ kind: "note", step, text });
      const onProgress: OutputContext["onProgress"] = (progress) =>
        this.#parts.emit({ kind: "progress", step, progress });
      const image = await this.#parts.journal.step(step, () =>
        writeOutput(output, { ...shared, tell, onProgress }),
      );
      if (image !== undefined) written.push(image);
    }
    return exportedOf(written, provenanceOf(results, shared.predicates));
  }

  #asked(
    planned: PlannedPlatforms,
    making: LayerMaking,
  ): Pick<OutputContext, "names" | "annotations" | "predicates" | "writeStdout" | "signal"> {
    const { names = [], annotations = [], attestations = {}, writeStdout, signal } = this.#request;
    const predicates = createPredicates(attestations, {
      ...this.#parts,
      names,
      created: formatTime(making.epochSeconds),
      factsOf: ({ plan }) => provenanceFacts(this.#request, planned, plan),
    });
    return { names, annotations, predicates, writeStdout, signal };
  }

  async #makeImages(
    results: readonly PlatformResult[],
    making: LayerMaking,
  ): Promise<readonly PlatformImage[]> {
    const images: PlatformImage[] = [];
    for (const result of results) {
      const image = await makeImage(result, making);
      images.push(
        this.#request.squash === true ? await squashImage(image, { ...this.#parts, making }) : image,
      );
    }
    return images;
  }
}

async function resultsOf(
  { plans }: PlannedPlatforms,
  making: LayerMaking,
): Promise<readonly PlatformResult[]> {
  return await Promise.all(
    plans.map(async (plan) => ({
      plan,
      target: plan.target === undefined ? undefined : await making.findResult(plan.target.vertex),
    })),
  );
}

async function writeOutput(output: BuildOutput, context: OutputContext): Promise<ImageResult | undefined> {
  switch (output.kind) {
    case "image":
      return await writeImage(output, context);
    case "archive":
      return await writeImageArchive(output, context);
    case "local":
    case "tar":
      await writeTree(output, context);
      return undefined;
    case "cacheonly":
      return undefined;
  }
}

/** What `--metadata-file` tells of it. */
function provenanceOf(
  results: readonly PlatformResult[],
  predicates: OutputContext["predicates"],
): Readonly<Record<string, unknown>> {
  const rows = results.flatMap((result) =>
    (predicates?.(result) ?? [])
      .filter(({ name }) => name === "provenance")
      .map(({ body }) => [formatPlatform(result.plan.platform), body] as const),
  );
  return Object.fromEntries(rows);
}

function exportedOf(
  written: readonly ImageResult[],
  provenance: Readonly<Record<string, unknown>>,
): Exported {
  const [first] = written;
  if (first === undefined) return {};
  const image = written.find((each) => each.image !== undefined)?.image;
  const { composed, names } = first;
  const [config, ...others] = composed.configs;
  return {
    ...(image !== undefined && { image }),
    written: {
      descriptor: composed.target,
      names,
      provenance,
      ...(config !== undefined && others.length === 0 && { config }),
    },
  };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
