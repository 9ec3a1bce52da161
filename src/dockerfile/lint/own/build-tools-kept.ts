import type { DockerfileFile, Instruction, Stage } from "../../ast.ts";
import type { Fix, TextEdit } from "../warning.ts";
import { finalImage, finalStages, findFinalStage, imageName } from "./final-stage.ts";
import { type OwnRule, sentenceRule } from "./own-rule.ts";
import { insertLines, shellText } from "./shell-text.ts";

const rule = sentenceRule("BuildToolsKept", "Compilers and build tools should stay in a stage of their own");

const buildImages: ReadonlySet<string> = new Set([
  "golang",
  "rust",
  "gcc",
  "maven",
  "gradle",
  "swift",
  "haskell",
  "buildpack-deps",
]);
const buildPackages =
  /(?:^|\s)(build-essential|build-base|gcc|g\+\+|clang|make|cmake|cargo|rustc|golang(?:-go)?|maven|gradle|openjdk-\d+-jdk\S*|autoconf|automake|python3-dev|libc6-dev|musl-dev)(?=\s|$)/g;
const installs =
  /\b(?:apt(?:-get)?\s+(?:-\S+\s+)*install|apk\s+(?:-\S+\s+)*add|(?:micro)?dnf\s+(?:-\S+\s+)*install|yum\s+(?:-\S+\s+)*install)\b/;
const removes = /\bapt(?:-get)?\s+(?:-\S+\s+)*(?:purge|remove|autoremove)\b|\bapk\s+(?:-\S+\s+)*del\b/;

/** Looks at the base of the final stage, and at what its RUNs install. */
export const buildToolsKept: OwnRule = {
  rule,
  check: (file, reporter) => {
    const final = findFinalStage(file);
    if (final === undefined) return;
    const name = imageName(finalImage(file));
    if (buildImages.has(name)) {
      const fix = file.stages.length === 1 ? splitGoBuild(file, final, name) : undefined;
      const sentence = `The image keeps all of ${name}: copy the result into a stage of its own`;
      reporter
        .within(final.from.comments)
        .reportWithFix(rule, { range: final.from.range, ...(fix && { fix }) }, sentence);
    }
    for (const { instructions } of finalStages(file))
      for (const instruction of instructions) {
        const tools = installedTools(file, instruction);
        if (tools.length === 0) continue;
        const sentence = `The image keeps ${tools.join(", ")}: build in an earlier stage and copy the result`;
        reporter.within(instruction.comments).report(rule, instruction.range, sentence);
      }
  },
};

function installedTools(file: DockerfileFile, instruction: Instruction): string[] {
  if (instruction.kind !== "RUN") return [];
  const { text } = shellText(file, instruction);
  if (!installs.test(text) || removes.test(text)) return [];
  return [...new Set(Array.from(text.matchAll(buildPackages), ([, tool = ""]) => tool))];
}

/**
 * A program that `go build -o /path` makes with CGO_ENABLED=0 needs nothing else: what follows the build moves into a
 * stage without a system. Any ENV that is not Go's, and any later RUN, may be needed where it is; then there is no fix.
 */
function splitGoBuild(file: DockerfileFile, stage: Stage, image: string): Fix | undefined {
  const { from, instructions } = stage;
  const at = instructions.findLastIndex(({ kind }) => kind === "RUN");
  const run = instructions[at];
  const next = instructions[at + 1];
  if (image !== "golang" || from.name !== undefined || run?.kind !== "RUN" || next === undefined)
    return undefined;
  const program = /\bgo\s+build\b[^&;|]*?\s-o[\s=](\/\S+)/.exec(shellText(file, run).text)?.[1];
  const rest = instructions.slice(at + 1);
  if (program === undefined || !rest.every(isMetadata) || !starts(rest, program)) return undefined;
  if (!isStatic(file, instructions) || instructions.some(setsOwnVariable)) return undefined;
  const name: TextEdit = {
    start: from.range.start.offset + fromLength(file, stage),
    end: from.range.start.offset + fromLength(file, stage),
    text: " AS build",
  };
  const lines = ["", "FROM gcr.io/distroless/static-debian12", `COPY --from=build ${program} ${program}`];
  return {
    title: `move ${program} into a stage on distroless/static`,
    edits: [name, insertLines(file, next, lines)],
  };
}

function fromLength(file: DockerfileFile, { from }: Stage): number {
  return file.text.slice(from.range.start.offset, from.range.end.offset).trimEnd().length;
}

function isMetadata(instruction: Instruction): boolean {
  if (instruction.kind === "CMD" || instruction.kind === "ENTRYPOINT")
    return instruction.command.form === "exec";
  return (
    ["EXPOSE", "LABEL", "STOPSIGNAL", "USER"].includes(instruction.kind) &&
    !(instruction.kind === "USER" && !/^\d/.test(instruction.user))
  );
}

function starts(rest: readonly Instruction[], program: string): boolean {
  return rest.some(
    (instruction) =>
      (instruction.kind === "CMD" || instruction.kind === "ENTRYPOINT") &&
      instruction.command.args[0] === program,
  );
}

function isStatic(file: DockerfileFile, instructions: readonly Instruction[]): boolean {
  return instructions.some(
    ({ kind, range }) =>
      (kind === "RUN" || kind === "ENV") &&
      /\bCGO_ENABLED[= ]0\b/.test(file.text.slice(range.start.offset, range.end.offset)),
  );
}

function setsOwnVariable(instruction: Instruction): boolean {
  return instruction.kind === "ENV" && instruction.pairs.some(({ key }) => !/^(?:CGO_|GO)/.test(key));
}
