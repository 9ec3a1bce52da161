import {
  type CopyInstruction,
  expandWord,
  type Instruction,
  type Range,
  type RunInstruction,
} from "#dockerfile";
import type { PlanContext } from "./context.ts";
import { fault } from "./fault.ts";
import { newStageState } from "./stage-list.ts";
import { addStage, type Command, findStage, type StageState } from "./stage-state.ts";

/** Finds for every stage the trees that its instructions take from elsewhere. */
export function linkStages(context: PlanContext): void {
  // Sources are appended while this runs; they have no instructions of their own.
  for (const state of context.table.states) {
    state.commands = state.instructions.map((instruction) =>
      linkCommand(context, state, { instruction, isOnbuild: false, range: instruction.range }),
    );
  }
  checkCycles(context.table.states);
  const [only, ...more] = context.table.states;
  if (only !== undefined && more.length === 0) only.label = "";
}

/** An instruction with its sources; those that are no stage join the table. */
export function linkCommand(
  context: PlanContext,
  state: StageState,
  parts: Omit<Command, "sources">,
): Command {
  const sources = sourcesOf(context, parts.instruction, parts.range);
  for (const source of sources) {
    state.dependencies.set(source, parts.instruction);
    if (source.position === undefined) addStage(context.table, source);
  }
  return { ...parts, sources };
}

function sourcesOf(context: PlanContext, instruction: Instruction, range: Range): StageState[] {
  if (instruction.kind === "COPY") return instruction.from ? [copySource(context, instruction, range)] : [];
  return instruction.kind === "RUN" ? mountSources(context, instruction, range) : [];
}

function copySource(context: PlanContext, { from = "" }: CopyInstruction, range: Range): StageState {
  if (expandWord(from, () => undefined, { escape: context.file.escape }).text !== from)
    throw fault(
      "variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope as a workaround",
      { hint: "write FROM image:${VERSION} AS name, then COPY --from=name" },
    );
  if (!/^[+-]?\d+$/.test(from)) return findSource(context, from, range);
  const state = context.table.states[Number(from)];
  if (state === undefined) throw fault(`invalid stage index ${Number(from)}`, { range });
  return state;
}

/** One source per mount; a mount without `from` has an empty one, for BuildKit counts it among the stages. */
function mountSources(context: PlanContext, { mounts }: RunInstruction, range: Range): StageState[] {
  return mounts.map(({ from = "" }) => findSource(context, from === "" ? "scratch" : from, range));
}

function findSource(context: PlanContext, name: string, range: Range): StageState {
  return findStage(context.table, name) ?? newStageState(context, { baseName: name, range });
}

/** Depth first, with a stack of its own: a chain of stages may be longer than the stack of calls. */
function checkCycles(states: readonly StageState[]): void {
  const done = new Set<StageState>();
  for (const start of states) {
    const path = new Map<StageState, Iterator<[StageState, Instruction]>>();
    const enter = (state: StageState): void => {
      done.add(state);
      path.set(state, state.dependencies.entries());
    };
    if (!done.has(start)) enter(start);
    const trail = path.size > 0 ? [start] : [];
    for (let top = trail.at(-1); top !== undefined; top = trail.at(-1)) {
      const next = path.get(top)?.next();
      if (next === undefined || next.done === true) {
        path.delete(top);
        trail.pop();
        continue;
      }
      const [dependency, instruction] = next.value;
      if (path.has(dependency))
        throw fault(`circular dependency detected on stage: ${start.label}`, { range: instruction.range });
      if (done.has(dependency)) continue;
      enter(dependency);
      trail.push(dependency);
    }
  }
}
