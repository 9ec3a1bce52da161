export type { BuildOptions, BuildResult, EngineOptions, RunOptions } from "./options.ts";
