import { parseTrigger } from "#dockerfile";
import type { PlanContext } from "./context.ts";
import { linkCommand } from "./dependencies.ts";
import { fault, locate } from "./fault.ts";
import type { Command, StageState } from "./stage-state.ts";

/** A trigger costs what the instruction that it becomes takes in memory. */
const charactersPerTrigger = 1024;

/**
 * Puts the ONBUILD triggers of a stage's base in front of its own commands.
 * @returns whether they take anything from other stages or images
 */
export function addOnbuildCommands(context: PlanContext, state: StageState): boolean {
  // An image that is only copied from runs nothing. BuildKit reads its triggers, and never ends when they name it.
  if (state.isSource) return false;
  const triggers = [...imageTriggers(state), ...stageTriggers(state)];
  if (triggers.length === 0) return false;
  context.spend(charactersPerTrigger * triggers.length);
  const commands = triggers.map((trigger) => locate(state.range, () => readTrigger(context, state, trigger)));
  state.commands = [...commands, ...state.commands];
  state.stepTotal += commands.length;
  return commands.some(({ sources }) => sources.length > 0);
}

/** Triggers of a base image, which the config of the result no longer has. */
function imageTriggers(state: StageState): string[] {
  if (state.base !== undefined) return [];
  const triggers = state.image.onbuild;
  state.image.onbuild = [];
  return triggers;
}

/** Triggers that the base stage sets itself. */
function stageTriggers(state: StageState): readonly string[] {
  if (state.base === undefined || state.hasOnbuild) return [];
  state.hasOnbuild = true;
  return triggersOf(state.base);
}

/** Read once, for a stage may be the base of thousands. */
function triggersOf(state: StageState): readonly string[] {
  state.triggers ??= state.commands.flatMap(({ instruction }) =>
    instruction.kind === "ONBUILD" ? [instruction.expression] : [],
  );
  return state.triggers;
}

function readTrigger(context: PlanContext, state: StageState, trigger: string): Command {
  const { instruction, diagnostics } = parseTrigger(trigger);
  const error = diagnostics.find(({ severity }) => severity === "error");
  if (error !== undefined) throw fault(error.message);
  if (instruction === undefined || state.range === undefined)
    throw fault("onbuild trigger should be a single expression");
  return linkCommand(context, state, { instruction, isOnbuild: true, range: state.range });
}
