import type { ArgDefinition, Instruction, InstructionSource, Word } from "../ast.ts";
import { readFlagValues } from "../flags.ts";
import { compareText, trimSpace } from "../go-text.ts";
import { Refusal } from "../refusal.ts";
import { didYouMean } from "../suggest.ts";
import { commandLine, docComments, keyValues, onlyArgument, requireArguments } from "./arguments.ts";
import { addInstruction, copyInstruction } from "./copy.ts";
import { fromInstruction } from "./from.ts";
import { healthcheckInstruction } from "./healthcheck.ts";
import { findInstructionName, INSTRUCTION_NAMES, type InstructionName } from "./names.ts";
import { onbuildInstruction } from "./onbuild.ts";
import { runInstruction } from "./run.ts";

type Builder = (source: InstructionSource, trigger: Instruction | undefined) => Instruction;

/**
 * One builder for each instruction: what its words and flags mean. The order of the checks is BuildKit's, for it
 * decides which of several errors is told; ARG and STOPSIGNAL do not look at their flags at all.
 */
const BUILDERS: Readonly<Record<InstructionName, Builder>> = {
  ADD: addInstruction,
  ARG: (source) => Object.freeze({ kind: "ARG", args: argDefinitions(source), ...source }),
  CMD: (source) => {
    readFlagValues(source, {});
    return Object.freeze({ kind: "CMD", command: commandLine(source), ...source });
  },
  COPY: copyInstruction,
  ENTRYPOINT: (source) => {
    readFlagValues(source, {});
    return Object.freeze({ kind: "ENTRYPOINT", command: commandLine(source), ...source });
  },
  ENV: (source) => {
    readFlagValues(source, {});
    return Object.freeze({ kind: "ENV", pairs: keyValues(source, "ENV"), ...source });
  },
  EXPOSE: (source) => {
    requireArguments(source, "EXPOSE");
    readFlagValues(source, {});
    const ports = source.words.map((word) => word.value).sort(compareText);
    return Object.freeze({ kind: "EXPOSE", ports: Object.freeze(ports), ...source });
  },
  FROM: fromInstruction,
  HEALTHCHECK: healthcheckInstruction,
  LABEL: (source) => {
    readFlagValues(source, {});
    return Object.freeze({ kind: "LABEL", pairs: keyValues(source, "LABEL"), ...source });
  },
  MAINTAINER: (source) => {
    const maintainer = onlyArgument(source, "MAINTAINER");
    readFlagValues(source, {});
    return Object.freeze({ kind: "MAINTAINER", maintainer, ...source });
  },
  ONBUILD: onbuildInstruction,
  RUN: runInstruction,
  SHELL: (source) => {
    readFlagValues(source, {});
    return Object.freeze({ kind: "SHELL", shell: shellOf(source), ...source });
  },
  STOPSIGNAL: (source) =>
    Object.freeze({ kind: "STOPSIGNAL", signal: onlyArgument(source, "STOPSIGNAL"), ...source }),
  USER: (source) => {
    const user = onlyArgument(source, "USER");
    readFlagValues(source, {});
    return Object.freeze({ kind: "USER", user, ...source });
  },
  VOLUME: (source) => {
    requireArguments(source, "VOLUME");
    readFlagValues(source, {});
    return Object.freeze({ kind: "VOLUME", volumes: Object.freeze(source.words.map(volumeOf)), ...source });
  },
  WORKDIR: (source) => {
    const path = onlyArgument(source, "WORKDIR");
    readFlagValues(source, {});
    return Object.freeze({ kind: "WORKDIR", path, ...source });
  },
};

/** Gives a split instruction its meaning. Throws {@link Refusal} when it has none. */
export function buildInstruction(source: InstructionSource, trigger: Instruction | undefined): Instruction {
  const keyword = source.keyword.value;
  const name = findInstructionName(keyword);
  if (name !== undefined) return BUILDERS[name](source, trigger);
  const message = `unknown instruction: ${keyword}${didYouMean(keyword, INSTRUCTION_NAMES, false)}`;
  const hint = "a line that continues the one before needs the escape character at that line's end";
  throw new Refusal("instruction/unknown", message, { range: source.keyword.range, hint });
}

function argDefinitions(source: InstructionSource): readonly ArgDefinition[] {
  requireArguments(source, "ARG");
  const describe = docComments(source.comments);
  return Object.freeze(source.words.map((word) => argDefinition(word, describe)));
}

function argDefinition(
  { value: text, range }: Word,
  describe: ReturnType<typeof docComments>,
): ArgDefinition {
  const equals = text.indexOf("=");
  if (equals === 0) throw new Refusal("instruction/arguments", "ARG names can not be blank", { range });
  const key = equals < 0 ? text : text.slice(0, equals);
  const value = equals < 0 ? {} : { value: text.slice(equals + 1) };
  return Object.freeze({ key, ...value, ...describe(key) });
}

function shellOf(source: InstructionSource): readonly string[] {
  requireArguments(source, "SHELL");
  if (source.json) return Object.freeze(source.words.map((word) => word.value));
  throw new Refusal("instruction/arguments", "SHELL requires the arguments to be in JSON form", {
    hint: 'write SHELL ["executable", "parameter"]',
  });
}

function volumeOf({ value, range }: Word): string {
  const volume = trimSpace(value);
  if (volume !== "") return volume;
  throw new Refusal("instruction/value", "VOLUME specified can not be an empty string", { range });
}
