import type { DockerfileFile, Instruction, Word } from "./ast.ts";
import { readDirective } from "./directives.ts";
import { skipSpace } from "./go-text.ts";
import { lineAt, type SourceText, sourceText, trimNewline } from "./source.ts";

/**
 * The file in the form that `lighter fmt` writes: keywords and AS in capitals, directives in one spelling, no blanks
 * before an instruction or behind a line, no empty lines within an instruction, at most one between two, newlines
 * alone at line ends. What an instruction says, how it is broken into lines, comments and heredocs stay: parsing the
 * result gives the same instructions. Meant for files without errors; a refused line is printed as it stands.
 */
export function print(file: DockerfileFile): string {
  const source = sourceText(file.text);
  const blocks = [
    ...directiveBlocks(file),
    ...instructionBlocks(file, source),
    ...commentBlocks(file, source),
  ];
  blocks.sort((a, b) => a.firstLine - b.firstLine);
  let text = looksLikeDirective(blocks[0]) ? "\n" : "";
  blocks.forEach((block, index) => {
    const previous = blocks[index - 1];
    if (previous !== undefined && isSetOff(previous, block)) text += "\n";
    text += block.text;
  });
  return text;
}

/** Some whole lines of the result, and the lines of the source that they stand for, inclusive. */
interface Block {
  readonly kind: "directive" | "comment" | "global" | "stage" | "instruction";
  readonly text: string;
  readonly firstLine: number;
  readonly lastLine: number;
}

/** A comment that an empty line keeps from being a directive needs that line. */
function looksLikeDirective(block: Block | undefined): boolean {
  return block?.kind === "comment" && readDirective(block.text.trim(), "#", new Set()).kind !== "none";
}

function isSetOff(previous: Block, next: Block): boolean {
  if (previous.kind === "directive") return next.kind !== "directive";
  if (next.firstLine - previous.lastLine > 1) return true;
  return next.kind === "stage" && (previous.kind === "instruction" || previous.kind === "stage");
}

function directiveBlocks(file: DockerfileFile): Block[] {
  return file.directives.map(({ name, value, range }) => {
    const { line } = range.start;
    return { kind: "directive", text: `# ${name}=${value}\n`, firstLine: line, lastLine: line };
  });
}

/** Comments that stand by themselves; those within an instruction are among its lines. */
function commentBlocks(file: DockerfileFile, source: SourceText): Block[] {
  const within = new Set<number>();
  for (const { range } of file.instructions)
    for (let { line } = range.start; line <= range.end.line; line++) within.add(line);
  const lines = file.comments.map(({ range }) => range.start.line).filter((line) => !within.has(line));
  return lines.map((line) => {
    // The indentation stays: a comment that has one is no doc comment to BuildKit.
    const text = `${trimBlanks(trimNewline(lineAt(source, line - 1)))}\n`;
    return { kind: "comment", text, firstLine: line, lastLine: line };
  });
}

function instructionBlocks(file: DockerfileFile, source: SourceText): Block[] {
  const firstStage = file.instructions.findIndex(({ kind }) => kind === "FROM");
  return file.instructions.map((instruction, index) => ({
    kind: instruction.kind === "FROM" ? "stage" : index < firstStage ? "global" : "instruction",
    text:
      instruction.kind === "INVALID"
        ? writtenText(instruction, source)
        : instructionText(instruction, source),
    firstLine: instruction.range.start.line,
    lastLine: instruction.range.end.line,
  }));
}

function writtenText({ range }: Instruction, source: SourceText): string {
  const text = source.text.slice(range.start.offset, range.end.offset);
  return `${text}\n`;
}

function instructionText(instruction: Instruction, source: SourceText): string {
  const { range, heredocs } = instruction;
  // From the first heredoc on every byte counts.
  const bodyLine = heredocs[0]?.range.start.line ?? range.end.line + 1;
  const spelled = spell(source.text, capitals(instruction));
  let text = "";
  for (let line = range.start.line; line <= range.end.line; line++) {
    const start = source.lineStarts[line - 1] ?? 0;
    const written = spelled(start, source.lineStarts[line] ?? start);
    if (line >= bodyLine) text += written;
    else text += headLine(trimNewline(written), text === "");
  }
  return text.endsWith("\n") ? text : `${text}\n`;
}

/** Blanks at the start of a continuation line belong to the value; those of the first line do not. */
function headLine(line: string, isFirst: boolean): string {
  const start = skipSpace(line, 0);
  return start === line.length ? "" : `${trimBlanks(isFirst ? line.slice(start) : line)}\n`;
}

/** Only blanks that may stand behind a continuation: to take others away could make a line one. */
function trimBlanks(line: string): string {
  let end = line.length;
  while (end > 0 && (line[end - 1] === " " || line[end - 1] === "\t")) end--;
  return line.slice(0, end);
}

/** The words that are written in capitals. */
function capitals(instruction: Instruction): Word[] {
  if (instruction.kind === "INVALID") return [];
  const as = instruction.kind === "FROM" ? instruction.words.slice(1, 2) : [];
  const trigger = instruction.kind === "ONBUILD" ? capitals(instruction.trigger) : [];
  return [instruction.keyword, ...as, ...trigger];
}

/** Reads stretches of the text with `words` in capitals; a word that a continuation cuts in two stays. */
function spell(text: string, words: readonly Word[]): (start: number, end: number) => string {
  const whole = words.filter(
    ({ value, range }) => text.slice(range.start.offset, range.end.offset) === value,
  );
  return (start, end) => {
    let result = "";
    let copied = start;
    for (const { value, range } of whole) {
      if (range.start.offset < copied || range.end.offset > end) continue;
      result += text.slice(copied, range.start.offset) + value.toUpperCase();
      copied = range.end.offset;
    }
    return result + text.slice(copied, end);
  };
}
