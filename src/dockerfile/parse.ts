import type { Directive, DockerfileFile, Instruction } from "./ast.ts";
import { decode } from "./decode.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { directiveNode, readDirective } from "./directives.ts";
import { frozenList } from "./frozen.ts";
import { skipSpace } from "./go-text.ts";
import { isComment } from "./logical-line.ts";
import { addComment, lineRange, type ParseState, reportSyntax } from "./parse-state.ts";
import { readInstruction } from "./read-instruction.ts";
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
import { groupStages } from "./stages.ts";

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

function readAll(text: string): ParseState {
  const whole = sourceText(text);
  const tooLong = findLongLine(whole);
  const source = tooLong === undefined ? whole : { text, lineStarts: whole.lineStarts.slice(0, tooLong + 1) };
  const state: ParseState = {
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
function readDirectives(state: ParseState): number {
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

function setEscape(state: ParseState, { value, range }: Directive): void {
  if (value === "\\" || value === "`") state.escape = value;
  else {
    const message = `invalid escape token '${value}' does not match \` or \\`;
    reportSyntax(state, new Refusal("syntax/directive", message), range);
  }
}

function readLines(state: ParseState, first: number): void {
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

function reportLongLine(state: ParseState, index: number): void {
  const message = `dockerfile line greater than max allowed size of ${MAX_LINE_BYTES}`;
  const hint = "break the line with continuations, or put the text in a file";
  reportSyntax(state, new Refusal("syntax/line-too-long", message, { hint }), lineRange(state.source, index));
}

function reportNoInstructions(state: ParseState): void {
  const end = state.source.text.length;
  const hint = "begin with FROM";
  const refusal = new Refusal("syntax/no-instructions", "file with no instructions", { hint });
  reportSyntax(state, refusal, rangeAt(state.source, end, end));
}
