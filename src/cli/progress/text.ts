import { stripVTControlCharacters } from "node:util";

/** A line of a program's output, safe to show inside a frame: no escape sequence, no control character, tabs as spaces. */
export function plainLine(text: string): string {
  return logLine(text).replace(/\t/g, "    ");
}

/** A line of a program's output, safe to show in a log: as {@link plainLine}, but tabs stay. */
export function logLine(text: string): string {
  // A carriage return rewinds the line: what a terminal would show is what comes after the last one.
  const visible = text.replace(/\r+$/, "").split("\r").at(-1) ?? "";
  return stripVTControlCharacters(visible).replace(
    /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/g,
    "",
  );
}

/** How many cells of a terminal the text takes: wide East Asian letters and emoji take two, combining marks none. */
export function cellWidth(text: string): number {
  let width = 0;
  for (const letter of text) width += letterWidth(letter);
  return width;
}

/** The text cut to `cells`, with an ellipsis where something was lost. */
export function fit(text: string, cells: number): string {
  if (cells <= 0) return "";
  if (cellWidth(text) <= cells) return text;
  let result = "";
  let width = 0;
  for (const letter of text) {
    const next = letterWidth(letter);
    if (width + next > cells - 1) break;
    result += letter;
    width += next;
  }
  return `${result}…`;
}

const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const combining = /\p{Mn}|\p{Me}/u;

function letterWidth(letter: string): number {
  if (letter.length === 1 && letter < "\u0300") return 1;
  if (combining.test(letter)) return 0;
  return wide.test(letter) ? 2 : 1;
}

/** Whole lines out of a stream of chunks: a letter split between two chunks stays whole. */
export interface LineBuffer {
  readonly pending: Uint8Array;
}

export const emptyLineBuffer: LineBuffer = Object.freeze({ pending: new Uint8Array() });

// A program that never ends its line must not fill the memory.
const longestLineBytes = 64 * 1024;

/** Adds a chunk; returns the lines it completes and what is left over. */
export function pushLines(
  buffer: LineBuffer,
  chunk: Uint8Array,
): { readonly lines: readonly string[]; readonly buffer: LineBuffer } {
  const bytes = buffer.pending.length === 0 ? Buffer.from(chunk) : Buffer.concat([buffer.pending, chunk]);
  const lines: string[] = [];
  let start = 0;
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
    lines.push(bytes.toString("utf8", start, end));
    start = end + 1;
  }
  if (bytes.length - start > longestLineBytes) {
    lines.push(bytes.toString("utf8", start));
    start = bytes.length;
  }
  return { lines, buffer: { pending: bytes.subarray(start) } };
}

/** The unfinished line of a stream that ended, or undefined. */
export function lastLine(buffer: LineBuffer): string | undefined {
  return buffer.pending.length === 0 ? undefined : Buffer.from(buffer.pending).toString("utf8");
}
