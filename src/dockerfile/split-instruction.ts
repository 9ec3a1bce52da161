import { errorMessage } from "#base";
import type { Flag, Heredoc, Word } from "./ast.ts";
import { frozenList } from "./frozen.ts";
import { trimEnd } from "./go-text.ts";
import { heredocWords, readHeredocBody } from "./heredoc.ts";
import { findInstructionName } from "./instructions/names.ts";
import { splitArguments } from "./instructions/split.ts";
import { type LogicalLine, logicalRange } from "./logical-line.ts";
import { Refusal } from "./refusal.ts";
import { type Command, splitCommand } from "./split-command.ts";
import type { Span } from "./words.ts";

/** An instruction in its parts, before they mean anything. */
export interface SplitInstruction {
  readonly keyword: Word;
  readonly flags: readonly Flag[];
  readonly words: readonly Word[];
  readonly json: boolean;
  readonly original: string;
  readonly trigger?: SplitInstruction;
  readonly refusal?: Refusal;
}

/** ONBUILD of ONBUILD is refused anyway: deeper ones are not looked into, so that a line of them takes linear time. */
const MAX_TRIGGERS = 4;

/** Splits the logical line from `from` on. An error is kept as `refusal`, with the parts that could be read. */
export function splitInstruction(
  line: LogicalLine,
  from: number,
  escape: string,
  depth = 0,
): SplitInstruction {
  const command = splitCommand(line, from, escape);
  const keyword = wordOf(line, command.keyword);
  // A trigger's line is what stands behind ONBUILD, trimmed; the outermost keeps the blanks at its end.
  const { start } = command.keyword;
  const original = depth === 0 ? line.text : line.text.slice(start, trimEnd(line.text, start));
  const parts = { keyword, flags: frozenList(command.flags), original };
  if (findInstructionName(keyword.value) === "ONBUILD")
    return splitTrigger(line, command, { parts, escape, depth });
  try {
    const args = { text: line.text, start: command.start, end: command.end, escape };
    const { words, json } = splitArguments(keyword.value, args);
    return { words: frozenList(words.map((span) => wordOf(line, span))), json, ...parts };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { words: [], json: false, refusal: error, ...parts };
  }
}

function splitTrigger(
  line: LogicalLine,
  command: Command,
  at: { parts: Pick<SplitInstruction, "keyword" | "flags" | "original">; escape: string; depth: number },
): SplitInstruction {
  if (command.start === command.end || at.depth >= MAX_TRIGGERS)
    return { words: [], json: false, ...at.parts };
  const trigger = splitInstruction(line, command.start, at.escape, at.depth + 1);
  const words = Object.freeze([trigger.keyword, ...trigger.words]);
  const refusal = trigger.refusal === undefined ? {} : { refusal: trigger.refusal };
  return { words, json: false, trigger, ...refusal, ...at.parts };
}

function wordOf(line: LogicalLine, span: Span): Word {
  return Object.freeze({ value: span.value, range: logicalRange(line, span.start, span.end) });
}

/** Whether heredocs may follow: RUN, COPY and ADD, also behind ONBUILD. BuildKit looks one ONBUILD deep. */
export function canHoldHeredocs(split: SplitInstruction): boolean {
  if (split.refusal !== undefined) return false;
  const name = findInstructionName(split.keyword.value);
  const inner = name === "ONBUILD" ? split.trigger : split;
  const innerName = inner && findInstructionName(inner.keyword.value);
  return !inner?.json && (innerName === "RUN" || innerName === "COPY" || innerName === "ADD");
}

/** Reads the heredocs that a line announces from the lines below it. */
export function readHeredocs(line: LogicalLine): {
  readonly heredocs: Heredoc[];
  readonly nextLine: number;
  readonly refusal?: Refusal;
} {
  const heredocs: Heredoc[] = [];
  let nextLine = line.nextLine;
  if (!line.text.includes("<<")) return { heredocs, nextLine };
  try {
    for (const word of heredocWords(line.text)) {
      const body = readHeredocBody(line.source, nextLine, word);
      nextLine = body.nextLine;
      if (!body.terminated) throw unterminated(word.name);
      heredocs.push(body.heredoc);
    }
  } catch (error) {
    const refusal = error instanceof Refusal ? error : new Refusal("syntax/heredoc", errorMessage(error));
    return { heredocs, nextLine, refusal };
  }
  return { heredocs, nextLine };
}

function unterminated(name: string): Refusal {
  const hint = `no line from here to the end is "${name}" and nothing else`;
  return new Refusal("syntax/heredoc", "unterminated heredoc", { hint });
}
