import {
  type ArgDefinition,
  type ArgInstruction,
  buildChecks,
  type CmdInstruction,
  type CommandLine,
  type EntrypointInstruction,
  type EnvInstruction,
  type ExposeInstruction,
  expandWords,
  type HealthcheckInstruction,
  isSecretName,
  type KeyValue,
  type LabelInstruction,
  type MaintainerInstruction,
  quote,
  type ShellInstruction,
  type StopSignalInstruction,
  type UserInstruction,
  type VolumeInstruction,
} from "#dockerfile";
import { readPorts } from "./expose.ts";
import { fault } from "./fault.ts";
import { formatHealthcheck, healthcheckOf } from "./healthcheck.ts";
import type { ImageDraft } from "./image-draft.ts";
import { isSignal } from "./signal.ts";
import type { Tracker } from "./stage-state.ts";
import { commit, type Step } from "./step.ts";

/** ENV: all words are expanded before the first variable is set. */
export function dispatchEnv(step: Step, instruction: EnvInstruction): void {
  const { state } = step;
  const pairs = expandPairs(step, instruction.pairs);
  for (const { key, value, legacy } of pairs) {
    checkPair(step, legacy);
    checkSecret(step, "ENV", key);
    state.env = state.env.withEnv(key, value);
    state.image.env = state.image.env.set(key, `${key}=${value}`);
  }
  commit(step, `ENV ${joinPairs(pairs)}`);
}

/** LABEL. */
export function dispatchLabel(step: Step, instruction: LabelInstruction): void {
  const pairs = expandPairs(step, instruction.pairs);
  for (const { key, value, legacy } of pairs) {
    checkPair(step, legacy);
    step.state.image.labels = step.state.image.labels.set(key, value);
  }
  commit(step, `LABEL ${joinPairs(pairs)}`);
}

function expandPairs(step: Step, pairs: readonly KeyValue[]): KeyValue[] {
  return pairs.map(({ key, value, legacy }) => ({
    key: step.expand(key),
    value: step.expand(value),
    legacy,
  }));
}

function joinPairs(pairs: readonly KeyValue[]): string {
  return pairs.map(({ key, value }) => `${key}=${value}`).join(" ");
}

function checkPair(step: Step, isLegacy: boolean): void {
  if (!isLegacy) return;
  step.reporter.report(buildChecks.legacyKeyValueFormat, step.range, step.command.instruction.keyword.value);
}

function checkSecret(step: Step, instruction: "ARG" | "ENV", key: string): void {
  if (isSecretName(key))
    step.reporter.report(buildChecks.secretsUsedInArgOrEnv, step.range, instruction, key);
}

/** ARG: the value of `--build-arg`, else the default, else the value of the global ARG. */
export function dispatchArg(step: Step, instruction: ArgInstruction): void {
  const texts = instruction.args.map((arg) => {
    const value = setArg(step, arg);
    return value === undefined ? arg.key : `${arg.key}=${value}`;
  });
  commit(step, `ARG ${texts.join(" ")}`);
}

const hiddenArgs: ReadonlySet<string> = new Set(["BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"]);

function setArg(step: Step, arg: ArgDefinition): string | undefined {
  const { state, context } = step;
  const { key } = arg;
  checkSecret(step, "ARG", key);
  const given = context.buildArgs.get(key);
  const inherited = given === undefined && arg.value === undefined ? context.globalEnv.get(key) : undefined;
  const value = given ?? (arg.value === undefined ? inherited : step.expand(arg.value));
  if (value !== undefined && !hiddenArgs.has(key)) state.env = state.env.withArg(key, value);
  if (inherited === undefined) state.outline.args.set(key, outlineArg(step, arg, value));
  state.outline.usedArgs.add(key);
  state.args = state.args.set(key, value ?? "");
  return value;
}

function outlineArg(
  step: Step,
  { key, docComment }: ArgDefinition,
  value = "",
): ReturnType<Step["state"]["outline"]["args"]["get"]> & object {
  const description = docComment === undefined ? {} : { description: docComment };
  return { key, value, ...description, dependencies: new Set<string>(), range: step.range };
}

/** CMD. */
export function dispatchCmd(step: Step, instruction: CmdInstruction): void {
  trackOnly(step, "cmd");
  const args = commandArgs(step, instruction.command);
  step.state.image.command = args;
  step.state.image.argsEscaped = true;
  commit(step, `CMD ${quoteList(args)}`);
}

/** ENTRYPOINT: a CMD of the base is dropped, one of this stage is kept. */
export function dispatchEntrypoint(step: Step, instruction: EntrypointInstruction): void {
  trackOnly(step, "entrypoint");
  const args = commandArgs(step, instruction.command);
  step.state.image.entrypoint = args.length === 0 ? undefined : args;
  if (step.state.last.cmd === undefined) step.state.image.command = undefined;
  commit(step, `ENTRYPOINT ${quoteList(args)}`);
}

function commandArgs(step: Step, command: CommandLine): readonly string[] {
  if (command.form === "exec") return command.args;
  const { shell = [] } = step.state.image;
  if (shell.length === 0)
    step.reporter.report(buildChecks.jsonArgsRecommended, step.range, step.command.instruction.keyword.value);
  return inShell(step.state.image, command.args);
}

/** The shell of the image with the words as one argument. */
export function inShell(image: ImageDraft, args: readonly string[]): string[] {
  const { shell = [] } = image;
  const usual = image.platform.os === "windows" ? ["cmd", "/S", "/C"] : ["/bin/sh", "-c"];
  return [...(shell.length > 0 ? shell : usual), args.join(" ")];
}

function quoteList(args: readonly string[]): string {
  return `[${args.map(quote).join(" ")}]`;
}

/** Only the last of its kind counts; the warning goes to the one that does not. */
function trackOnly(step: Step, kind: keyof Tracker): void {
  const before = step.state.last[kind];
  if (before !== undefined)
    step.reporter.report(
      buildChecks.multipleInstructionsDisallowed,
      before,
      step.command.instruction.keyword.value,
    );
  step.state.last[kind] = step.range;
}

/** HEALTHCHECK. */
export function dispatchHealthcheck(step: Step, instruction: HealthcheckInstruction): void {
  trackOnly(step, "healthcheck");
  step.state.image.healthcheck = healthcheckOf(instruction);
  commit(step, `HEALTHCHECK ${formatHealthcheck(instruction)}`);
}

/** EXPOSE. */
export function dispatchExpose(step: Step, instruction: ExposeInstruction): void {
  const { state, context } = step;
  const lookup = (name: string): string | undefined => state.env.get(name);
  const words = instruction.ports.flatMap((port) =>
    expandWords(port, lookup, { escape: context.file.escape }),
  );
  const ports = readPorts(words, { ...step, spend: context.spend });
  for (const port of ports) state.image.ports = state.image.ports.set(port, true);
  commit(step, `EXPOSE [${ports.join(" ")}]`);
}

/** USER. */
export function dispatchUser(step: Step, instruction: UserInstruction): void {
  const user = step.expand(instruction.user);
  step.state.image.user = user;
  step.state.user = user;
  commit(step, `USER ${user}`);
}

/** VOLUME. */
export function dispatchVolume(step: Step, instruction: VolumeInstruction): void {
  const volumes = instruction.volumes.map((volume) => step.expand(volume));
  for (const volume of volumes) {
    if (volume === "") throw fault("VOLUME specified can not be an empty string");
    step.state.image.volumes = step.state.image.volumes.set(volume, true);
  }
  commit(step, `VOLUME [${volumes.join(" ")}]`);
}

/** STOPSIGNAL. */
export function dispatchStopSignal(step: Step, instruction: StopSignalInstruction): void {
  const signal = step.expand(instruction.signal);
  if (!isSignal(signal))
    throw fault(`invalid signal: ${signal}`, { hint: "give a name as SIGTERM, or a number" });
  step.state.image.stopSignal = signal;
  commit(step, `STOPSIGNAL ${signal}`);
}

/** SHELL. */
export function dispatchShell(step: Step, instruction: ShellInstruction): void {
  step.state.image.shell = instruction.shell;
  commit(step, `SHELL [${instruction.shell.join(" ")}]`);
}

/** MAINTAINER. */
export function dispatchMaintainer(step: Step, instruction: MaintainerInstruction): void {
  step.state.image.author = instruction.maintainer;
  commit(step, `MAINTAINER ${instruction.maintainer}`);
}
