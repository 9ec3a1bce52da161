import type { Flag } from "./ast.ts";
import { isBlankAt, isSpaceAt, skipSpace, trimEnd } from "./go-text.ts";
import { type LogicalLine, logicalRange } from "./logical-line.ts";
import type { Span } from "./words.ts";

/** An instruction's keyword and flags, and where its arguments stand: `[start, end)` of the logical line, trimmed. */
export interface Command {
  readonly keyword: Span;
  readonly flags: readonly Flag[];
  readonly start: number;
  readonly end: number;
}

/** Splits the logical line from `from` on into keyword, flags and arguments. */
export function splitCommand(line: LogicalLine, from: number, escape: string): Command {
  const { text } = line;
  const start = skipSpace(text, from);
  const end = trimEnd(text, start);
  let keywordEnd = start;
  while (keywordEnd < end && !isBlankAt(text, keywordEnd)) keywordEnd++;
  const keyword = { value: text.slice(start, keywordEnd), start, end: keywordEnd };
  const flags: Flag[] = [];
  const rest = readFlags(line, keywordEnd, end, { escape, flags });
  const argsStart = skipSpace(text, rest, end);
  return { keyword, flags, start: argsStart, end: trimEnd(text, argsStart, end) };
}

/** Collects the `--...` words from `start` on and returns where the first other word begins; `--` ends them. */
function readFlags(
  line: LogicalLine,
  start: number,
  end: number,
  into: { readonly escape: string; readonly flags: Flag[] },
): number {
  const { text } = line;
  let index = start;
  for (;;) {
    index = skipSpace(text, index, end);
    if (!text.startsWith("--", index)) return index;
    const word = readFlagWord(text, index, end, into.escape);
    if (word.value === "--") return word.end;
    into.flags.push(flagNode(line, word));
    index = word.end;
  }
}

/** One word with its quotes and escapes removed. An escape works inside single quotes too, and is dropped at the end. */
function readFlagWord(text: string, start: number, end: number, escape: string): Span {
  let value = "";
  let quote = "";
  let index = start;
  for (; index < end; index++) {
    const character = text.charAt(index);
    if (quote === "" && isSpaceAt(text, index)) break;
    if (quote === "" ? character === '"' || character === "'" : character === quote) {
      quote = quote === "" ? character : "";
    } else if (character === escape) {
      index++;
      if (index < end) value += text.charAt(index);
    } else value += character;
  }
  return { value, start, end: Math.min(index, end) };
}

function flagNode(line: LogicalLine, word: Span): Flag {
  const equals = word.value.indexOf("=");
  const range = logicalRange(line, word.start, word.end);
  const text = word.value;
  if (equals < 0) return Object.freeze({ name: text.slice(2), text, range });
  return Object.freeze({ name: text.slice(2, equals), value: text.slice(equals + 1), text, range });
}
