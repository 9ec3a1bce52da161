import type { CommandLine, DockerfileFile, Instruction, RunInstruction, Stage } from "../../ast.ts";
import type { Fix, TextEdit } from "../warning.ts";
import { type BuiltProgram, findBuiltProgram } from "./built-program.ts";
import { findInstaller } from "./installers.ts";
import { shellParts } from "./shell-parts.ts";
import { insertLines, sourceOf } from "./shell-text.ts";
import { workdirOf } from "./workdir.ts";

/**
 * Makes two stages of one that builds a program and starts it: what stands behind the last RUN moves into a stage that
 * takes the program and no more. Wherever something else may be needed when the program runs there is no fix.
 */
export function splitBuild(file: DockerfileFile, stage: Stage): Fix | undefined {
  const { from, instructions } = stage;
  const at = instructions.findLastIndex(({ kind }) => kind === "RUN");
  const run = instructions[at];
  const next = instructions[at + 1];
  if (from.name !== undefined || run?.kind !== "RUN" || next === undefined) return undefined;
  const before = instructions.slice(0, at);
  const rest = instructions.slice(at + 1);
  if (!isOnlyForTheBuild(file, run)) return undefined;
  if (!before.every((one) => mayStay(file, one)) || !rest.every((one) => mayMove(one))) return undefined;
  const directory = workdirOf(before);
  const start = startWords(instructions);
  const program = findBuiltProgram({ file, stage, run, directory, start });
  if (program === undefined || namesOtherFile(instructions, program)) return undefined;
  const carried = before.filter(isForTheImage).filter((one) => one.kind !== "ENV" || !isOfTheTool(one));
  const isRelative = start.some(
    (word, index) => (index === 0 || word.endsWith(".jar")) && !word.startsWith("/"),
  );
  const lines = [
    "",
    `FROM ${program.base}`,
    ...(isRelative && directory !== undefined ? [`WORKDIR ${directory}`] : []),
    ...carried.map((one) => sourceOf(file, one)),
    copyLine(program),
  ];
  return {
    title: `move ${program.path} into a stage on ${program.base}`,
    edits: [nameStage(file, stage), insertLines(file, next, lines), ...execForms(file, rest)],
  };
}

/** `--config conf/app.yaml`: the program reads more of the image than itself. */
function namesOtherFile(instructions: readonly Instruction[], { path }: BuiltProgram): boolean {
  const words = instructions.flatMap((one) =>
    one.kind === "CMD" || one.kind === "ENTRYPOINT"
      ? (simpleWords(one.command) ?? []).concat(one.command.args)
      : [],
  );
  const fileLike = /(?:^|=)\.{0,2}\/|\.(?:ya?ml|json|toml|conf|cfg|ini|env|xml|properties|db|pem|crt|html)$/;
  return words.some(
    (word) => !/\s/.test(word) && fileLike.test(word) && !path.endsWith(word.replace(/^\.?\//, "/")),
  );
}

function copyLine({ path }: BuiltProgram): string {
  return `COPY --from=build ${path} ${path}`;
}

function nameStage(file: DockerfileFile, { from }: Stage): TextEdit {
  const end = from.range.start.offset + sourceOf(file, from).length;
  return { start: end, end, text: " AS build" };
}

/** What may stand before the last RUN: whatever only the build can want, and settings that can be read off. */
function mayStay(file: DockerfileFile, instruction: Instruction): boolean {
  switch (instruction.kind) {
    case "RUN":
      return isOnlyForTheBuild(file, instruction);
    case "ARG":
    case "WORKDIR":
      return true;
    case "COPY":
    case "ADD":
      return instruction.files.length === 0;
    case "ENV":
      return isOfTheTool(instruction) || !instruction.original.includes("$");
    case "EXPOSE":
    case "LABEL":
      return !instruction.original.includes("$");
    case "CMD":
    case "ENTRYPOINT":
      return instruction.command.form === "exec";
    case "FROM":
    case "HEALTHCHECK":
    case "INVALID":
    case "MAINTAINER":
    case "ONBUILD":
    case "SHELL":
    case "STOPSIGNAL":
    case "USER":
    case "VOLUME":
      return false;
  }
}

const buildCommand =
  /^(?:(?:\w+=\S*\s+)*go\s+(?:mod|build|vet|test|generate)\b|(?:mvn|gradle|gcc|cc|g\+\+|c\+\+|clang|clang\+\+|strip|upx)\s|(?:apt|apt-get)\s+(?:-\S+\s+)*(?:update|clean)\b|rm\s+-r?f\s+\/var\/)/;
const systemInstall = /^(?:apt|apt-get|apk)\s+(?:-\S+\s+)*(?:install|add)\s+(.*)$/;
/** Packages that a program without libraries does not miss, or that the base of the final stage has. */
const buildPackage =
  /^(?:-\S+|build-essential|build-base|gcc|g\+\+|clang|make|cmake|git|curl|wget|ca-certificates|tzdata|pkg-config|musl-dev|libc6-dev|libc-dev|maven|upx(?:-ucl)?)$/;

function isOnlyForTheBuild(file: DockerfileFile, run: RunInstruction): boolean {
  const { parts, isPlain } = shellParts(file, run);
  return (
    isPlain &&
    parts.every(({ text }) => {
      const packages = systemInstall.exec(text.replace(/^DEBIAN_FRONTEND=\S+\s+/, ""))?.[1];
      if (packages !== undefined) return packages.split(/\s+/).every((one) => buildPackage.test(one));
      return buildCommand.test(text) || findInstaller(text) !== undefined;
    })
  );
}

/** What may stand behind it: it needs no shell, no user by name, and nothing that was set before. */
function mayMove(instruction: Instruction): boolean {
  switch (instruction.kind) {
    case "CMD":
    case "ENTRYPOINT":
      return instruction.command.form === "exec" || simpleWords(instruction.command) !== undefined;
    case "USER":
      return /^\d+(?::\d+)?$/.test(instruction.user);
    case "EXPOSE":
    case "LABEL":
    case "STOPSIGNAL":
    case "ENV":
      return !instruction.original.includes("$");
    case "ADD":
    case "ARG":
    case "COPY":
    case "FROM":
    case "HEALTHCHECK":
    case "INVALID":
    case "MAINTAINER":
    case "ONBUILD":
    case "RUN":
    case "SHELL":
    case "VOLUME":
    case "WORKDIR":
      return false;
  }
}

function isForTheImage({ kind }: Instruction): boolean {
  return ["ENV", "EXPOSE", "LABEL", "CMD", "ENTRYPOINT"].includes(kind);
}

function isOfTheTool(instruction: Instruction): boolean {
  const ofTool = /^(?:CGO_|GO|MAVEN_|GRADLE_|DEBIAN_FRONTEND$|CC$|CFLAGS$)/;
  return instruction.kind === "ENV" && instruction.pairs.every(({ key }) => ofTool.test(key));
}

/** ENTRYPOINT's words, else CMD's. */
function startWords(instructions: readonly Instruction[]): readonly string[] {
  const start =
    instructions.findLast((one) => one.kind === "ENTRYPOINT") ??
    instructions.findLast((one) => one.kind === "CMD");
  if (start === undefined) return [];
  return start.command.form === "exec" ? start.command.args : (simpleWords(start.command) ?? []);
}

/** The words of a command that any shell would only split at blanks. */
function simpleWords({ args }: CommandLine): readonly string[] | undefined {
  const [text = ""] = args;
  return /^[\w./:@+-][\w./:@=+-]*(?: +[\w./:@=+-]+)*$/.test(text.trim()) &&
    !/^(?:cd|exec|\.)\s/.test(text.trim())
    ? text.trim().split(/ +/)
    : undefined;
}

/** There will be no shell: a command in its form becomes a list of words. */
function execForms(file: DockerfileFile, rest: readonly Instruction[]): TextEdit[] {
  return rest.flatMap((one) => {
    if ((one.kind !== "CMD" && one.kind !== "ENTRYPOINT") || one.command.form === "exec") return [];
    const words = simpleWords(one.command) ?? [];
    const start = one.keyword.range.end.offset;
    const end = one.range.start.offset + sourceOf(file, one).length;
    return [{ start, end, text: ` [${words.map((word) => JSON.stringify(word)).join(", ")}]` }];
  });
}
