export { type Code as ErrorCode, type ErrorDetails, isLighterError, LighterError } from "#base";
export type {
  BuildEvent,
  FileChange,
  Miss,
  Preview,
  PreviewStep,
  StepFailure,
  StepSummary,
  VariableChange,
} from "#build";
export type { EventOptions, StoreEvent } from "#events";
export { Engine } from "./engine.ts";
export type { HistoryLine, Images } from "./images.ts";
export type {
  BaseSourceName,
  BuildOptions,
  BuildResult,
  CopyOptions,
  CopyResult,
  EngineOptions,
  ManifestDocument,
  PullOptions,
  PullResult,
  PushOptions,
  PushResult,
  RegistrySettings,
  RunOptions,
} from "./options.ts";
export type { RecipeBuildOptions, RecipeOptions, Recipes } from "./recipes.ts";
export type { RunningContainer } from "./running-container.ts";
