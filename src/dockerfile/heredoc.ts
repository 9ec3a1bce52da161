import type { Heredoc } from "./ast.ts";
import { expandWords } from "./expand.ts";
import { lineAt, lineCount, rangeAt, type SourceText, trimNewline } from "./source.ts";

/** What a word such as `3<<-"EOF"` announces. */
export type HeredocWord = Pick<Heredoc, "name" | "fileDescriptor" | "expand" | "chomp">;

const HEREDOC = /^([0-9]*)<<(-?)[\t\n\f\r ]*([^<]*)$/;

const nothing = (): undefined => undefined;

/**
 * Reads one word as a heredoc; `undefined` when it is none. Quotes and escapes in it always follow the shell (`\`),
 * whatever the escape character of the file. Throws DOCKERFILE_INVALID when a quote is left open.
 */
export function readHeredocWord(word: string): HeredocWord | undefined {
  const match = HEREDOC.exec(word);
  const rest = match?.[3] ?? "";
  if (match === null || rest === "") return undefined;
  const [name, ...more] = expandWords(rest, nothing, { skipUnset: true });
  if (name === undefined || more.length > 0) return undefined;
  const raw = expandWords(rest, nothing, { skipUnset: true, rawQuotes: true })[0] ?? "";
  return {
    name,
    fileDescriptor: Number(match[1]),
    // A quote that went away was a quote; those that stayed are part of the name.
    expand: countQuotes(name) === countQuotes(raw),
    chomp: match[2] === "-",
  };
}

/** As {@link readHeredocWord}, but a word with an open quote is none. */
export function findHeredocWord(word: string): HeredocWord | undefined {
  try {
    return readHeredocWord(word);
  } catch {
    return undefined;
  }
}

/** The heredocs that a logical line announces, in order. A line whose quotes do not match announces none. */
export function heredocWords(line: string): HeredocWord[] {
  return lineWords(line)
    .map(readHeredocWord)
    .filter((word) => word !== undefined);
}

function lineWords(line: string): string[] {
  try {
    return expandWords(line, nothing, { skipUnset: true, rawQuotes: true, rawEscapes: true });
  } catch {
    return [];
  }
}

function countQuotes(text: string): number {
  return text.split(/['"]/).length - 1;
}

/** Reads the body of a heredoc from line `first` on. `nextLine` is the line behind its terminator. */
export function readHeredocBody(
  source: SourceText,
  first: number,
  word: HeredocWord,
): { readonly heredoc: Heredoc; readonly nextLine: number; readonly terminated: boolean } {
  let index = first;
  while (index < lineCount(source) && !isTerminator(lineAt(source, index), word)) index++;
  const start = source.lineStarts[first] ?? source.text.length;
  const end = source.lineStarts[index] ?? source.text.length;
  const range = rangeAt(source, start, end);
  const heredoc = Object.freeze({ content: source.text.slice(start, end), range, ...word });
  const terminated = index < lineCount(source);
  return { heredoc, nextLine: terminated ? index + 1 : index, terminated };
}

function isTerminator(line: string, word: HeredocWord): boolean {
  const text = trimNewline(line);
  return (word.chomp ? text.replace(/^\t+/, "") : text) === word.name;
}

/** Removes the tabs at the start of every line: what `<<-` asks for. */
export function chompHeredoc(content: string): string {
  return content.replace(/(^|\n)\t+/g, "$1");
}
