import type { ArgInstruction, DockerfileFile, FromInstruction, Instruction, Range } from "../ast.ts";
import { rangeAt, sourceText } from "../source.ts";
import { buildChecks } from "./build-checks.ts";
import type { Reporter } from "./reporter.ts";

/**
 * The checks that need the tree alone, in BuildKit's order. They end at the first instruction that is refused, and
 * then leave out those that look at the file as a whole.
 */
export function checkSyntax(file: DockerfileFile, reporter: Reporter): void {
  checkContinuations(file, reporter);
  if (!checkInstructions(file, reporter)) return;
  checkStageNames(file, reporter);
  checkCasing(file, reporter);
}

function checkContinuations(file: DockerfileFile, reporter: Reporter): void {
  const lines = file.instructions.flatMap(({ emptyContinuationLine }) => emptyContinuationLine ?? []);
  if (lines.length === 0) return;
  const source = sourceText(file.text);
  for (const line of lines) {
    const start = source.lineStarts[line - 1] ?? file.text.length;
    reporter.report(buildChecks.noEmptyContinuation, rangeAt(source, start, start));
  }
}

/** @returns whether all instructions are sound */
function checkInstructions(file: DockerfileFile, reporter: Reporter): boolean {
  let inStage = false;
  for (const instruction of file.instructions) {
    checkInstruction(instruction, reporter.within(instruction.comments));
    if (instruction.kind === "INVALID") return false;
    inStage ||= instruction.kind === "FROM";
    if (!inStage && instruction.kind !== "ARG") return false;
  }
  return true;
}

function checkInstruction(instruction: Instruction, reporter: Reporter): void {
  switch (instruction.keyword.value.toUpperCase()) {
    case "MAINTAINER":
      return reporter.report(buildChecks.maintainerDeprecated, instruction.range);
    case "FROM":
      return checkFrom(instruction, reporter);
    case "ARG":
      if (instruction.kind === "ARG") checkDescription("ARG", argKeys(instruction), instruction, reporter);
  }
}

function checkFrom(instruction: Instruction, reporter: Reporter): void {
  const words = instruction.words.map(({ value }) => value);
  const [, as = "", name = ""] = words;
  if (words.length === 3 && name !== name.toLowerCase())
    reporter.report(buildChecks.stageNameCasing, instruction.range, name);
  if (words.length >= 3 && !hasCaseOf(instruction.keyword.value, as))
    reporter.report(buildChecks.fromAsCasing, instruction.range, instruction.keyword.value, as);
  if (instruction.kind === "FROM" && instruction.name !== undefined)
    checkDescription("FROM", [instruction.name], instruction, reporter);
}

/** Whether `as` is written like `from`; a `from` of mixed case is another rule's matter. */
function hasCaseOf(from: string, as: string): boolean {
  if (from === from.toLowerCase()) return as === as.toLowerCase();
  return from !== from.toUpperCase() || as === as.toUpperCase();
}

function argKeys(instruction: ArgInstruction): string[] {
  return instruction.args.map(({ key }) => key);
}

function checkDescription(
  keyword: string,
  names: readonly string[],
  instruction: FromInstruction | ArgInstruction,
  reporter: Reporter,
): void {
  const last = instruction.comments.at(-1);
  const [first] = names;
  if (last === undefined || first === undefined || names.includes(last.split(" ", 1)[0] ?? "")) return;
  const example = names.length > 1 ? "<arg_key>" : first;
  reporter.report(buildChecks.invalidDefinitionDescription, instruction.range, keyword, example);
}

const reservedStageNames: ReadonlySet<string> = new Set(["context", "scratch"]);

function checkStageNames(file: DockerfileFile, reporter: Reporter): void {
  const seen = new Set<string>();
  for (const { from } of file.stages) {
    if (from.name === undefined) continue;
    if (reservedStageNames.has(from.name))
      reporter.report(buildChecks.reservedStageName, from.range, from.name);
    if (seen.has(from.name)) reporter.report(buildChecks.duplicateStageName, from.range, from.name);
    seen.add(from.name);
  }
}

function checkCasing(file: DockerfileFile, reporter: Reporter): void {
  const keywords = file.stages.flatMap(({ from, instructions }) => [from, ...instructions]);
  const lower = keywords.filter(({ keyword: { value } }) => value === value.toLowerCase()).length;
  const upper = keywords.filter(({ keyword: { value } }) => value === value.toUpperCase()).length;
  const casing = lower > upper ? "lowercase" : "uppercase";
  for (const { keyword, range } of keywords) checkKeyword(keyword.value, casing, { range, reporter });
}

function checkKeyword(
  keyword: string,
  casing: "lowercase" | "uppercase",
  at: { readonly range: Range; readonly reporter: Reporter },
): void {
  const wanted = casing === "lowercase" ? keyword.toLowerCase() : keyword.toUpperCase();
  if (keyword === wanted) return;
  at.reporter.report(buildChecks.consistentInstructionCasing, at.range, keyword, casing);
}
