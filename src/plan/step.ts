import type { ExpandOptions, Range, Reporter } from "#dockerfile";
import type { PlanContext } from "./context.ts";
import type { Edge, Vertex } from "./graph.ts";
import { addHistory } from "./image-draft.ts";
import type { Command, StageState } from "./stage-state.ts";
import { currentStepName, instructionText, type NameContext, nextStepName } from "./step-name.ts";

/** One instruction at work in its stage. */
export interface Step {
  readonly context: PlanContext;
  readonly state: StageState;
  readonly command: Command;
  readonly range: Range;
  readonly reporter: Reporter;
  /** Expands a word with the variables as they are now, and warns of unknown ones. */
  readonly expand: (word: string, options?: ExpandOptions) => string;
}

/** Adds a line of history; with `layer` one that stands for a layer. A long text may be made when it is asked for. */
export function commit(step: Step, createdBy: string | (() => string), layer?: Edge): void {
  addHistory(step.state.image, {
    get createdBy() {
      return typeof createdBy === "string" ? createdBy : createdBy();
    },
    comment: "buildkit.dockerfile.v0",
    ...(layer !== undefined && { layer: layer.vertex }),
  });
}

/** What the vertex of an instruction says of itself, beside its name. */
export function vertexOrigin(
  step: Step,
): Pick<Vertex, "command" | "range" | "ignoreCache"> & { readonly stage?: string } {
  const { instruction, range } = step.command;
  const { label, ignoreCache } = step.state;
  return {
    ...(label !== "" && { stage: label }),
    command: instruction.original.trim(),
    range: Object.freeze({ startLine: range.start.line, endLine: range.end.line }),
    ignoreCache,
  };
}

/** The instruction as step names show it. */
export function stepText(step: Step, original = step.command.instruction.original): string {
  const { state, context } = step;
  return instructionText(original, (name) => state.env.get(name), { escape: context.file.escape });
}

/** Counts the step and gives its name. */
export function nextName(step: Step, text: string): string {
  return nextStepName(step.state, text, nameContext(step));
}

/** The name of the step that was counted last, with another text. */
export function sameName(step: Step, text: string): string {
  return currentStepName(step.state, text, nameContext(step));
}

function nameContext({ state, context, command }: Step): NameContext {
  return {
    multiPlatform: context.options.multiPlatform ?? false,
    env: state.env,
    isOnbuild: command.isOnbuild,
  };
}
