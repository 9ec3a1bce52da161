import type { Comment, Directive, Instruction, Range } from "./ast.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { frameOf } from "./frame.ts";
import { skipSpace, trimSpace } from "./go-text.ts";
import type { Refusal } from "./refusal.ts";
import { lineAt, rangeAt, type SourceText, trimNewline } from "./source.ts";
import { usageHint } from "./usage-hint.ts";

/** What a file is known to hold while it is read. */
export interface ParseState {
  readonly source: SourceText;
  escape: "\\" | "`";
  readonly directives: Directive[];
  readonly instructions: Instruction[];
  readonly comments: Comment[];
  readonly syntaxErrors: Diagnostic[];
  readonly instructionErrors: Diagnostic[];
}

/**
 * Keeps a comment and returns its text. A comment that is indented keeps its `#` in the text, as BuildKit has it:
 * its doc comments and `check=` lines count only at the start of a line.
 */
export function addComment(state: ParseState, index: number): string {
  const line = trimNewline(lineAt(state.source, index));
  state.comments.push(Object.freeze({ text: commentText(line), range: lineRange(state.source, index) }));
  return trimSpace(line.slice(1));
}

function commentText(line: string): string {
  return trimSpace(line.slice(skipSpace(line, 0) + 1));
}

/** Keeps an error of the syntax. */
export function reportSyntax(state: ParseState, refusal: Refusal, range: Range): void {
  state.syntaxErrors.push(diagnostic(state.source, refusal, { range, phase: "syntax" }));
}

/** A refusal as a diagnostic; `at` is the instruction. */
export function diagnostic(
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
    hint: refusal.hint ?? usageHint(source.text.slice(at.range.start.offset, at.range.start.offset + 200)),
    frame: frameOf(source, range),
  });
}

/** Line `index` without its line ending. */
export function lineRange(source: SourceText, index: number): Range {
  const start = source.lineStarts[index] ?? 0;
  return rangeAt(source, start, start + trimNewline(lineAt(source, index)).length);
}
