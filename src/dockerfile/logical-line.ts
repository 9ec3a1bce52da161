import type { Range } from "./ast.ts";
import { skipSpace } from "./go-text.ts";
import { lineAt, lineCount, rangeAt, type SourceText, trimNewline } from "./source.ts";

/** An instruction's line after its continuations are joined, and where each part of it came from. */
export interface LogicalLine {
  readonly source: SourceText;
  readonly text: string;
  /** Pairs: an offset in `text`, the offset in the source at which the text from there on stands. */
  readonly origins: readonly number[];
  /** The first line that belongs to it and the first that does not, both from 0. */
  readonly firstLine: number;
  readonly nextLine: number;
  readonly hasEmptyContinuation: boolean;
}

/** Whether the first thing on a line is `#`. */
export function isComment(line: string): boolean {
  return line.charCodeAt(skipSpace(line, 0)) === 0x23;
}

/**
 * Reads the logical line that starts at line `first`. Only its first line loses the blanks at its start. Comments
 * and empty lines inside it are passed over; `onComment` is called for each comment.
 */
export function readLogicalLine(
  source: SourceText,
  first: number,
  escape: string,
  onComment: (line: number) => void,
): LogicalLine {
  const origins: number[] = [];
  let text = "";
  let hasEmptyContinuation = false;
  let index = first;
  let continues = true;
  for (; continues && index < lineCount(source); index++) {
    const line = trimNewline(lineAt(source, index));
    const start = index === first ? skipSpace(line, 0) : 0;
    if (index > first && isComment(line)) {
      onComment(index);
      continue;
    }
    if (index > first && skipSpace(line, 0) === line.length) {
      hasEmptyContinuation = true;
      continue;
    }
    const cut = continuationAt(line, start, escape);
    continues = cut >= 0;
    origins.push(text.length, (source.lineStarts[index] ?? 0) + start);
    text += line.slice(start, continues ? cut : line.length);
  }
  return { source, text, origins, firstLine: first, nextLine: index, hasEmptyContinuation };
}

/**
 * Where the escape stands that continues the line, or -1. Blanks may follow it; an escape right before it takes its
 * meaning away, however many there are.
 */
function continuationAt(line: string, start: number, escape: string): number {
  let end = line.length;
  while (end > start && (line[end - 1] === " " || line[end - 1] === "\t")) end--;
  if (end === start || line[end - 1] !== escape) return -1;
  return end - 1 > start && line[end - 2] === escape ? -1 : end - 1;
}

/** The part `[start, end)` of a logical line that begins at `base` within it, as a range of the source. */
export function logicalRange(line: LogicalLine, start: number, end: number): Range {
  const from = originOf(line, start);
  // The end belongs to the piece of the last character, not to the piece that may follow it.
  const to = end > start ? originOf(line, end - 1) + 1 : from;
  return rangeAt(line.source, from, to);
}

function originOf(line: LogicalLine, offset: number): number {
  const { origins } = line;
  let low = 0;
  let high = origins.length / 2 - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((origins[middle * 2] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return (origins[low * 2 + 1] ?? 0) + offset - (origins[low * 2] ?? 0);
}
