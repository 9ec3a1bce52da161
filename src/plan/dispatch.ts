import { buildChecks, expandWord } from "#dockerfile";
import type { PlanContext } from "./context.ts";
import { dispatchCopy } from "./dispatch-copy.ts";
import {
  dispatchArg,
  dispatchCmd,
  dispatchEntrypoint,
  dispatchEnv,
  dispatchExpose,
  dispatchHealthcheck,
  dispatchLabel,
  dispatchMaintainer,
  dispatchShell,
  dispatchStopSignal,
  dispatchUser,
  dispatchVolume,
} from "./dispatch-metadata.ts";
import { dispatchRun } from "./dispatch-run.ts";
import { dispatchWorkdir } from "./dispatch-workdir.ts";
import { locate } from "./fault.ts";
import { ensurePath, inheritDraft, variableName, variableValue } from "./image-draft.ts";
import { joinWorkdir } from "./paths.ts";
import { type Command, type StageState, setVariable } from "./stage-state.ts";
import type { Step } from "./step.ts";

/** Plans all instructions of a stage whose base is planned already. */
export function dispatchStage(context: PlanContext, state: StageState, takesOverBase: boolean): void {
  startStage(state, context, takesOverBase);
  for (const command of state.commands)
    locate(command.range, () => dispatchCommand(newStep(context, state, command)));
}

function startStage(state: StageState, context: PlanContext, takesOverBase: boolean): void {
  const { base } = state;
  const fresh = base === undefined || inheritStage(state, base, takesOverBase);
  state.isDispatched = true;
  state.platform ??= context.targetPlatform;
  ensurePath(state.image);
  // The image's variables come behind the ARGs, unless they stand there already.
  if (fresh) {
    for (const entry of state.image.env.values())
      setVariable(state.env, variableName(entry), variableValue(entry));
    state.isEnvOrdered = true;
  }
  if (state.image.workdir !== "") state.workdir = joinWorkdir("/", state.image.workdir);
  if (state.image.user !== undefined && state.image.user !== "") state.user = state.image.user;
}

/** @returns whether the variables have to be put in order again */
function inheritStage(state: StageState, base: StageState, takesOver: boolean): boolean {
  state.image = inheritDraft(base.image, takesOver);
  state.env = takesOver ? base.env : new Map(base.env);
  state.workdir = base.workdir;
  if (base.tree !== undefined) state.tree = base.tree;
  if (base.platform !== undefined) state.platform = base.platform;
  if (base.user !== undefined) state.user = base.user;
  state.hasWorkdir = base.hasWorkdir;
  state.paths = base.paths;
  state.args = takesOver ? base.args : new Map(base.args);
  state.isEnvOrdered = base.isEnvOrdered;
  return !base.isEnvOrdered;
}

function newStep(context: PlanContext, state: StageState, command: Command): Step {
  const reporter = context.reporter.within(command.isOnbuild ? [] : command.instruction.comments);
  const step: Step = {
    context,
    state,
    command,
    range: command.range,
    reporter,
    expand: (word, options) => {
      const { text, unmatched } = expandWord(
        word,
        (name) => state.env.get(name),
        options ?? { escape: context.file.escape },
      );
      if (unmatched.size > 0) reportUnknown(step, unmatched);
      return text;
    },
  };
  return step;
}

const hiddenArgs: ReadonlySet<string> = new Set(["BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"]);

function reportUnknown({ context, state, reporter, range }: Step, unmatched: ReadonlySet<string>): void {
  for (const name of unmatched) {
    if (hiddenArgs.has(name) || state.args.has(name)) continue;
    reporter.report(buildChecks.undefinedVar, range, name, context.suggest(name, state.env.keys()));
  }
}

function dispatchCommand(step: Step): void {
  const { instruction } = step.command;
  switch (instruction.kind) {
    case "MAINTAINER":
      return dispatchMaintainer(step, instruction);
    case "ENV":
      return dispatchEnv(step, instruction);
    case "RUN":
      return dispatchRun(step, instruction);
    case "WORKDIR":
      return dispatchWorkdir(step, instruction);
    case "ADD":
    case "COPY":
      return dispatchCopy(step, instruction);
    case "LABEL":
      return dispatchLabel(step, instruction);
    case "ONBUILD":
      step.state.image.onbuild.push(instruction.expression);
      return;
    case "CMD":
      return dispatchCmd(step, instruction);
    case "ENTRYPOINT":
      return dispatchEntrypoint(step, instruction);
    case "HEALTHCHECK":
      return dispatchHealthcheck(step, instruction);
    case "EXPOSE":
      return dispatchExpose(step, instruction);
    case "USER":
      return dispatchUser(step, instruction);
    case "VOLUME":
      return dispatchVolume(step, instruction);
    case "STOPSIGNAL":
      return dispatchStopSignal(step, instruction);
    case "SHELL":
      return dispatchShell(step, instruction);
    case "ARG":
      return dispatchArg(step, instruction);
    case "FROM":
    case "INVALID":
      return;
  }
}
