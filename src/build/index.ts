export { type AttestationRequest, parseAttest, parseProvenance, parseSbom } from "./attest/attestations.ts";
export { readSbom } from "./attest/scan.ts";
export { type Builder, type BuilderOptions, createBuilder } from "./builder/create-builder.ts";
export type { DryPlan, DryRequest } from "./builder/plan-dry.ts";
export type { Preview, PreviewStep } from "./builder/preview.ts";
export {
  type BuildOutcome,
  type BuildRequest,
  defaultEpochSeconds,
  type NamedContextRequest,
  type StepFailure,
  type WrittenImage,
} from "./builder/request.ts";
export { type CacheSource, type CacheTarget, parseCacheSource, parseCacheTarget } from "./cache/places.ts";
export type { BuildEvent, StepId, StepSummary } from "./events.ts";
export type { FindSecret } from "./exec/secret-files.ts";
export type { FileChange, Miss, VariableChange } from "./explain/miss.ts";
export type {
  Annotation,
  BuildOutput,
  Destination,
  ImageForm,
} from "./export/output.ts";
export { parseAnnotation, parseOutput } from "./export/parse-output.ts";
export type { Base, BaseSource, OpenRegistries } from "./ports.ts";
export type { BuildCache, CacheEntry, PruneOptions } from "./upkeep/build-cache.ts";
export type { CacheMounts, StoredMount } from "./upkeep/cache-mounts.ts";
