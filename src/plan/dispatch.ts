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
import { Environment } from "./environment.ts";
import { locate } from "./fault.ts";
import { ensurePath, type ImageDraft, inheritDraft, variableName, variableValue } from "./image-draft.ts";
import { joinWorkdir } from "./paths.ts";
import type { Command, StageState } from "./stage-state.ts";
import type { Step } from "./step.ts";

/** Plans all instructions of a stage whose base is planned already. */
export function dispatchStage(context: PlanContext, state: StageState): void {
  startStage(state, context);
  for (const command of state.commands)
    locate(command.range, () => dispatchCommand(newStep(context, state, command)));
}

function startStage(state: StageState, context: PlanContext): void {
  const { base } = state;
  if (base !== undefined) inheritStage(state, base);
  state.isDispatched = true;
  state.platform ??= context.targetPlatform;
  ensurePath(state.image);
  // A named context has no instructions of its own: nothing has put its variables in order yet.
  const isPlanned = base !== undefined && base.namedContext === undefined;
  state.env = isPlanned ? base.env.inherited() : imageEnvironment(state.image);
  if (state.image.workdir !== "") state.workdir = joinWorkdir("/", state.image.workdir);
  if (state.image.user !== undefined && state.image.user !== "") state.user = state.image.user;
}

function imageEnvironment(image: ImageDraft): Environment {
  const entries = image.env.entries().map(([, entry]) => entry);
  return Environment.ofImage(entries.map((entry) => [variableName(entry), variableValue(entry)]));
}

function inheritStage(state: StageState, base: StageState): void {
  state.image = inheritDraft(base.image);
  state.workdir = base.workdir;
  if (base.tree !== undefined) state.tree = base.tree;
  if (base.platform !== undefined) state.platform = base.platform;
  if (base.user !== undefined) state.user = base.user;
  state.hasWorkdir = base.hasWorkdir;
  state.paths = base.paths;
  state.args = base.args;
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
      context.spend(text.length);
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
    reporter.report(buildChecks.undefinedVar, range, name, context.suggest(name, state.env.names()));
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
