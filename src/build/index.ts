export { type Builder, type BuilderOptions, createBuilder } from "./builder/create-builder.ts";
export type { DryPlan } from "./builder/plan-dry.ts";
export {
  type BuildOutcome,
  type BuildRequest,
  defaultEpochSeconds,
  type NamedContextRequest,
} from "./builder/request.ts";
export type { BuildEvent, StepId, StepSummary } from "./events.ts";
export type { FindSecret } from "./exec/secret-files.ts";
export type { Base, BaseSource } from "./ports.ts";
