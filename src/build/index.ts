export type { BuildEvent, StepId, StepSummary } from "./events.ts";
export type { Base, BaseSource } from "./ports.ts";
