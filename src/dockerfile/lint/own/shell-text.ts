import type { DockerfileFile, Instruction } from "../../ast.ts";
import type { TextEdit } from "../warning.ts";

/**
 * The text of an instruction with continuations and comment lines blanked out, so that it reads as one command and
 * every index is still that of the source (from `start`).
 */
export interface ShellText {
  readonly text: string;
  /** Offset of the text in the file. */
  readonly start: number;
}

/** Reads an instruction as the shell will. */
export function shellText(file: DockerfileFile, instruction: Instruction): ShellText {
  const start = instruction.range.start.offset;
  const source = file.text.slice(start, instruction.range.end.offset);
  const escape = file.escape === "\\" ? "\\\\" : "`";
  const text = source
    .replace(/^[ \t]*#.*$/gm, blank)
    .replace(new RegExp(`${escape}[ \\t]*\\r?\\n`, "g"), blank)
    .replace(/\r?\n/g, blank);
  return { text, start };
}

function blank(text: string): string {
  return " ".repeat(text.length);
}

/** An insertion at an index of the text. */
export function insertAt({ start }: ShellText, index: number, text: string): TextEdit {
  return { start: start + index, end: start + index, text };
}

/** An insertion behind the last word. */
export function append(shell: ShellText, text: string): TextEdit {
  return insertAt(shell, shell.text.trimEnd().length, text);
}

/** Removes an instruction with its line ending. */
export function removeLines(file: DockerfileFile, instruction: Instruction): TextEdit {
  const { start, end } = instruction.range;
  const newline = file.text.indexOf("\n", end.offset);
  const atLineStart = file.text[end.offset - 1] === "\n";
  return { start: start.offset, end: atLineStart || newline < 0 ? end.offset : newline + 1, text: "" };
}

/** Inserts lines before an instruction and the comments that belong to it. */
export function insertLines(
  file: DockerfileFile,
  instruction: Instruction,
  lines: readonly string[],
): TextEdit {
  const start = startWithComments(file, instruction);
  return { start, end: start, text: joinLines(file, lines) };
}

/** Inserts lines behind an instruction. */
export function appendLines(
  file: DockerfileFile,
  instruction: Instruction,
  lines: readonly string[],
): TextEdit {
  const { end } = removeLines(file, instruction);
  const source = sourceOf(file, instruction);
  // A continuation at the end of the file continues nothing; what is added would become part of it.
  const start = source.endsWith(file.escape) ? instruction.range.start.offset + source.length - 1 : end;
  const separator = file.text[start - 1] === "\n" ? "" : "\n";
  return { start, end, text: separator + joinLines(file, lines) };
}

/** The instruction as it is written. */
export function sourceOf(file: DockerfileFile, { range }: Instruction): string {
  return file.text.slice(range.start.offset, range.end.offset).trimEnd();
}

function joinLines(file: DockerfileFile, lines: readonly string[]): string {
  const newline = file.text.includes("\r\n") ? "\r\n" : "\n";
  return lines.map((line) => line + newline).join("");
}

/** `# check=` and descriptions count for the instruction right below them. */
function startWithComments(file: DockerfileFile, instruction: Instruction): number {
  const { offset } = instruction.range.start;
  const above = /(?:^|\n)((?:#[^\n]*\n)+)[ \t]*$/.exec(file.text.slice(Math.max(0, offset - 4000), offset));
  return instruction.comments.length === 0 || above === null
    ? offset
    : offset - above[0].length + (above[0].startsWith("\n") ? 1 : 0);
}
