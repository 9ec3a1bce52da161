import type { Range } from "./ast.ts";
import { lineAt, lineCount, type SourceText, sourceText, trimNewline } from "./source.ts";

const CONTEXT_LINES = 1;
const MAX_MARKED_LINES = 6;
const MAX_WIDTH = 120;

/**
 * The lines of a range with one line around them, numbered, the marked ones with `>` and the place in the first of
 * them underlined. Long lines are cut to a window around the place; control characters are shown as U+FFFD, for a
 * frame goes to terminals.
 */
export function codeFrame(text: string, range: Range): string {
  return frameOf(sourceText(text), range);
}

/** {@link codeFrame} for a text whose lines are known. */
export function frameOf(source: SourceText, range: Range): string {
  const count = lineCount(source);
  if (count === 0) return "";
  const first = Math.min(range.start.line, count);
  const last = Math.min(Math.max(lastMarkedLine(range), first), first + MAX_MARKED_LINES - 1, count);
  const from = Math.max(first - CONTEXT_LINES, 1);
  const to = Math.min(last + CONTEXT_LINES, count);
  const width = String(to).length;
  const window = Math.max(0, range.start.column - 1 - MAX_WIDTH / 2);
  const lines: string[] = [];
  for (let number = from; number <= to; number++) {
    const marked = number >= first && number <= last;
    const line = trimNewline(lineAt(source, number - 1));
    lines.push(
      `${marked ? ">" : " "} ${String(number).padStart(width)} | ${visible(line, window)}`.trimEnd(),
    );
    if (number === first) lines.push(`  ${" ".repeat(width)} | ${underline(line, window, range)}`);
  }
  return lines.join("\n");
}

/** A range that ends at the start of a line does not mark that line. */
function lastMarkedLine(range: Range): number {
  return range.end.column === 1 && range.end.line > range.start.line ? range.end.line - 1 : range.end.line;
}

function visible(line: string, window: number): string {
  // The control characters in the pattern are what is replaced.
  return line.slice(window, window + MAX_WIDTH).replace(/[\0-\x08\x0a-\x1f\x7f-\x9f]/g, "\ufffd");
}

function underline(line: string, window: number, range: Range): string {
  const start = range.start.column - 1;
  const lineEnd = Math.max(line.trimEnd().length, start + 1);
  const end = range.end.line > range.start.line ? lineEnd : Math.max(range.end.column - 1, start + 1);
  const blanks = visible(line, window)
    .slice(0, start - window)
    .replace(/[^\t]/g, " ");
  return blanks.padEnd(start - window) + "^".repeat(Math.max(1, Math.min(end, window + MAX_WIDTH) - start));
}
