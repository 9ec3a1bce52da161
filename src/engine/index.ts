export { Engine } from "./engine.ts";
export type { HistoryLine, Images } from "./images.ts";
export type { BuildOptions, BuildResult, EngineOptions, RunOptions } from "./options.ts";
