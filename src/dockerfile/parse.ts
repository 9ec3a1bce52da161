import type {
  Comment,
  Directive,
  DockerfileFile,
  Heredoc,
  Instruction,
  InstructionSource,
  Range,
  Stage,
} from "./ast.ts";
import { decode } from "./decode.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { directiveNode, readDirective } from "./directives.ts";
import { frameOf } from "./frame.ts";
import { frozenList } from "./frozen.ts";
import { skipSpace, trimSpace } from "./go-text.ts";
import { buildInstruction } from "./instructions/build.ts";
import { isComment, readLogicalLine } from "./logical-line.ts";
import { Refusal } from "./refusal.ts";
import {
  isLineTooLong,
  lineAt,
  lineCount,
  MAX_LINE_BYTES,
  rangeAt,
  type SourceText,
  sourceText,
  trimNewline,
} from "./source.ts";
import {
  canHoldHeredocs,
  readHeredocs,
  type SplitInstruction,
  splitInstruction,
} from "./split-instruction.ts";

/** A parsed file and everything there is to say about it. Without an error every instruction has its meaning. */
export interface ParseResult {
  readonly file: DockerfileFile;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Parses a Dockerfile. Never throws: lines that make no sense become `INVALID` instructions with a diagnostic, and
 * reading goes on behind them. The first error is the one BuildKit stops at.
 */
export function parse(file: string | Uint8Array): ParseResult {
  const state = readAll(decode(file));
  const grouped = groupStages(state);
  const result: DockerfileFile = Object.freeze({
    text: state.source.text,
    escape: state.escape,
    directives: Object.freeze(state.directives),
    instructions: Object.freeze(state.instructions),
    comments: Object.freeze(state.comments),
    ...grouped,
  });
  return { file: result, diagnostics: Object.freeze([...state.syntaxErrors, ...state.instructionErrors]) };
}

/**
 * Parses the one instruction of an ONBUILD trigger, as an image config holds it, heredocs included. `instruction` is
 * absent when the text is not exactly one instruction.
 */
export function parseTrigger(text: string): {
  readonly instruction?: Instruction;
  readonly diagnostics: readonly Diagnostic[];
} {
  const state = readAll(text);
  const [instruction, ...more] = state.instructions;
  const diagnostics = Object.freeze([...state.syntaxErrors, ...state.instructionErrors]);
  return instruction === undefined || more.length > 0 ? { diagnostics } : { instruction, diagnostics };
}

interface State {
  readonly source: SourceText;
  escape: "\\" | "`";
  readonly directives: Directive[];
  readonly instructions: Instruction[];
  readonly comments: Comment[];
  readonly syntaxErrors: Diagnostic[];
  readonly instructionErrors: Diagnostic[];
}

function readAll(text: string): State {
  const whole = sourceText(text);
  const tooLong = findLongLine(whole);
  const source = tooLong === undefined ? whole : { text, lineStarts: whole.lineStarts.slice(0, tooLong + 1) };
  const state: State = {
    source,
    escape: "\\",
    directives: [],
    instructions: [],
    comments: [],
    syntaxErrors: [],
    instructionErrors: [],
  };
  readLines(state, readDirectives(state));
  if (tooLong !== undefined) reportLongLine({ ...state, source: whole }, tooLong);
  if (state.instructions.length === 0) reportNoInstructions(state);
  return state;
}

/** The file ends for the parser where a line is too long. */
function findLongLine(source: SourceText): number | undefined {
  if (source.text.length * 3 <= MAX_LINE_BYTES) return undefined;
  for (let index = 0; index < lineCount(source); index++) if (isLineTooLong(source, index)) return index;
  return undefined;
}

/** Reads the directives at the top and returns the line behind them. */
function readDirectives(state: State): number {
  const { source } = state;
  const seen = new Set<string>();
  let index = 0;
  for (; index < lineCount(source); index++) {
    const line = trimNewline(lineAt(source, index));
    const found = readDirective(line.slice(skipSpace(line, 0)), "#", seen);
    if (found.kind === "none") break;
    if (found.kind === "duplicate") {
      const message = `only one ${found.name} parser directive can be used`;
      reportSyntax(state, new Refusal("syntax/directive", message), lineRange(source, index));
      addComment(state, index);
      continue;
    }
    seen.add(found.name);
    const node = directiveNode(source, index, found);
    state.directives.push(node);
    if (found.name === "escape") setEscape(state, node);
  }
  return index;
}

function setEscape(state: State, { value, range }: Directive): void {
  if (value === "\\" || value === "`") state.escape = value;
  else {
    const message = `invalid escape token '${value}' does not match \` or \\`;
    reportSyntax(state, new Refusal("syntax/directive", message), range);
  }
}

function readLines(state: State, first: number): void {
  const { source } = state;
  let comments: string[] = [];
  for (let index = first; index < lineCount(source); ) {
    const line = trimNewline(lineAt(source, index));
    if (isComment(line)) {
      const text = addComment(state, index);
      if (text === "") comments = [];
      else comments.push(text);
      index++;
    } else if (skipSpace(line, 0) === line.length) index++;
    else {
      index = readInstruction(state, index, frozenList(comments));
      comments = [];
    }
  }
}

/**
 * Keeps a comment and returns its text. A comment that is indented keeps its `#` in the text, as BuildKit has it:
 * its doc comments and `check=` lines count only at the start of a line.
 */
function addComment(state: State, index: number): string {
  const line = trimNewline(lineAt(state.source, index));
  state.comments.push(Object.freeze({ text: commentText(line), range: lineRange(state.source, index) }));
  return trimSpace(line.slice(1));
}

function commentText(line: string): string {
  return trimSpace(line.slice(skipSpace(line, 0) + 1));
}

/** Reads the instruction that starts at line `first` and returns the line behind it. */
function readInstruction(state: State, first: number, comments: readonly string[]): number {
  const { source, escape } = state;
  const line = readLogicalLine(source, first, escape, (index) => addComment(state, index));
  const split = splitInstruction(line, 0, escape);
  const heredocs = canHoldHeredocs(split) ? readHeredocs(line) : { heredocs: [], nextLine: line.nextLine };
  const start = line.origins[1] ?? 0;
  const range = rangeAt(source, start, endOffset(source, heredocs.nextLine));
  const found = sourceOf(split, { range, comments, heredocs: frozenList(heredocs.heredocs) });
  const whole = line.hasEmptyContinuation ? { ...found, emptyContinuationLine: line.nextLine } : found;
  state.instructions.push(judge(state, whole, { split, refusal: split.refusal ?? heredocs.refusal }));
  return heredocs.nextLine;
}

/** The end of the line before `nextLine`, without its line ending. */
function endOffset(source: SourceText, nextLine: number): number {
  const start = source.lineStarts[nextLine - 1] ?? 0;
  return start + trimNewline(lineAt(source, nextLine - 1)).length;
}

function sourceOf(
  split: SplitInstruction,
  about: {
    readonly range: Range;
    readonly comments: readonly string[];
    readonly heredocs: readonly Heredoc[];
  },
): InstructionSource {
  const { keyword, flags, words, json, original } = split;
  const { range, comments, heredocs } = about;
  return { range, keyword, flags, words, json, heredocs, original, comments };
}

/** Gives the instruction its meaning, or reports why it has none. */
function judge(
  state: State,
  source: InstructionSource,
  { split, refusal }: { readonly split: SplitInstruction; readonly refusal: Refusal | undefined },
): Instruction {
  const trigger = split.trigger && triggerOf(split.trigger, source);
  const rest = trigger === undefined ? {} : { trigger };
  if (refusal !== undefined) {
    reportSyntax(state, refusal, source.range);
    return Object.freeze({ kind: "INVALID", ...rest, ...source });
  }
  try {
    return buildInstruction(source, trigger);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    state.instructionErrors.push(
      diagnostic(state.source, error, { range: source.range, phase: "instruction" }),
    );
    return Object.freeze({ kind: "INVALID", ...rest, ...source });
  }
}

/** The instruction behind ONBUILD. It is not judged here: what is wrong with it shows where the image is used. */
function triggerOf(split: SplitInstruction, outer: InstructionSource): Instruction {
  const source = sourceOf(split, { range: outer.range, comments: [], heredocs: outer.heredocs });
  const trigger = split.trigger && triggerOf(split.trigger, outer);
  try {
    return buildInstruction(source, trigger);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return Object.freeze({ kind: "INVALID", ...(trigger === undefined ? {} : { trigger }), ...source });
  }
}

/** Sorts instructions into stages. What stands between a refused FROM and the next one belongs to none. */
function groupStages(state: State): Pick<DockerfileFile, "globalArgs" | "stages"> {
  const globalArgs: DockerfileFile["globalArgs"][number][] = [];
  const stages: { index: number; from: Stage["from"]; instructions: Instruction[] }[] = [];
  let current: "none" | "refused" | Instruction[] = "none";
  for (const instruction of state.instructions) {
    if (instruction.kind === "FROM") {
      current = [];
      stages.push({ index: stages.length, from: instruction, instructions: current });
    } else if (instruction.kind === "INVALID" && instruction.keyword.value.toUpperCase() === "FROM") {
      current = "refused";
    } else if (typeof current === "object") current.push(instruction);
    else if (current === "none" && instruction.kind === "ARG") globalArgs.push(instruction);
    else if (current === "none" && instruction.kind !== "INVALID") {
      reportNoStage(state, instruction);
      current = "refused";
    }
  }
  for (const stage of stages) Object.freeze(stage.instructions);
  return {
    globalArgs: Object.freeze(globalArgs),
    stages: Object.freeze(stages.map((stage) => Object.freeze(stage))),
  };
}

function reportNoStage(state: State, instruction: Instruction): void {
  const refusal = new Refusal("stage/missing", "no build stage in current context", {
    range: instruction.keyword.range,
    hint: "begin with FROM; only ARG may stand before it",
  });
  const found = diagnostic(state.source, refusal, { range: instruction.range, phase: "stage" });
  // Errors of instructions and stages are told in the order of the lines.
  const later = state.instructionErrors.findIndex(
    ({ range }) => range.start.offset > instruction.range.start.offset,
  );
  state.instructionErrors.splice(later < 0 ? state.instructionErrors.length : later, 0, found);
}

function reportLongLine(state: State, index: number): void {
  const message = `dockerfile line greater than max allowed size of ${MAX_LINE_BYTES}`;
  const hint = "break the line with continuations, or put the text in a file";
  reportSyntax(state, new Refusal("syntax/line-too-long", message, { hint }), lineRange(state.source, index));
}

function reportNoInstructions(state: State): void {
  const end = state.source.text.length;
  const hint = "begin with FROM";
  const refusal = new Refusal("syntax/no-instructions", "file with no instructions", { hint });
  reportSyntax(state, refusal, rangeAt(state.source, end, end));
}

function reportSyntax(state: State, refusal: Refusal, range: Range): void {
  state.syntaxErrors.push(diagnostic(state.source, refusal, { range, phase: "syntax" }));
}

function diagnostic(
  source: SourceText,
  refusal: Refusal,
  at: { readonly range: Range; readonly phase: Diagnostic["phase"] },
): Diagnostic {
  const range = refusal.range ?? at.range;
  return Object.freeze({
    code: refusal.code,
    severity: "error",
    phase: at.phase,
    message: refusal.message,
    range,
    line: at.range.start.line,
    ...(refusal.hint === undefined ? {} : { hint: refusal.hint }),
    frame: frameOf(source, range),
  });
}

function lineRange(source: SourceText, index: number): Range {
  const start = source.lineStarts[index] ?? 0;
  return rangeAt(source, start, start + trimNewline(lineAt(source, index)).length);
}
