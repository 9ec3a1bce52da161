import type { Position, Range } from "./ast.ts";
import { byteLength } from "./go-text.ts";

/** The longest line that BuildKit reads, in bytes and without its newline. */
export const MAX_LINE_BYTES = 65_535;

/** A text with the offsets of its lines. `lineStarts` has one more entry than there are lines: the end of the text. */
export interface SourceText {
  readonly text: string;
  readonly lineStarts: readonly number[];
}

/** Cuts a text into lines; a newline at its end starts no further line. */
export function sourceText(text: string): SourceText {
  const lineStarts = [0];
  for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", end + 1)) lineStarts.push(end + 1);
  if (lineStarts.at(-1) !== text.length) lineStarts.push(text.length);
  return { text, lineStarts };
}

/** How many lines there are. */
export function lineCount(source: SourceText): number {
  return source.lineStarts.length - 1;
}

/** Line `index` (from 0) with its newline. */
export function lineAt(source: SourceText, index: number): string {
  return source.text.slice(source.lineStarts[index], source.lineStarts[index + 1]);
}

/** Whether the line is longer than {@link MAX_LINE_BYTES}. */
export function isLineTooLong(source: SourceText, index: number): boolean {
  const length = (source.lineStarts[index + 1] ?? 0) - (source.lineStarts[index] ?? 0);
  // No UTF-16 unit needs more than three bytes, so only long lines have to be measured.
  if (length * 3 <= MAX_LINE_BYTES) return false;
  const line = lineAt(source, index);
  return byteLength(line.endsWith("\n") ? line.slice(0, -1) : line) > MAX_LINE_BYTES;
}

/** The position of an offset: which line, which column. */
export function positionAt(source: SourceText, offset: number): Position {
  const { lineStarts } = source;
  let low = 0;
  let high = Math.max(lineStarts.length - 2, 0);
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((lineStarts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return Object.freeze({ line: low + 1, column: offset - (lineStarts[low] ?? 0) + 1, offset });
}

export function rangeAt(source: SourceText, start: number, end: number): Range {
  return Object.freeze({ start: positionAt(source, start), end: positionAt(source, end) });
}

/** A line without its line ending: every carriage return and newline at the end goes. */
export function trimNewline(line: string): string {
  let end = line.length;
  while (end > 0 && (line.charCodeAt(end - 1) === 0x0a || line.charCodeAt(end - 1) === 0x0d)) end--;
  return line.slice(0, end);
}
