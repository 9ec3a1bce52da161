import type { Heredoc, Instruction, InstructionSource, Range } from "./ast.ts";
import { frozenList } from "./frozen.ts";
import { buildInstruction } from "./instructions/build.ts";
import { readLogicalLine } from "./logical-line.ts";
import { addComment, diagnostic, type ParseState, reportSyntax } from "./parse-state.ts";
import { Refusal } from "./refusal.ts";
import { lineAt, rangeAt, type SourceText, trimNewline } from "./source.ts";
import {
  canHoldHeredocs,
  readHeredocs,
  type SplitInstruction,
  splitInstruction,
} from "./split-instruction.ts";

/** Reads the instruction that starts at line `first` and returns the line behind it. */
export function readInstruction(state: ParseState, first: number, comments: readonly string[]): number {
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
  state: ParseState,
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
