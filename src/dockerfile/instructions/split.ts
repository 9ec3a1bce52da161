import { isBlankAt, quote } from "../go-text.ts";
import { readJsonArray } from "../json-array.ts";
import { Refusal } from "../refusal.ts";
import { type Span, splitAtBlanks, splitQuoted } from "../words.ts";
import { findInstructionName, type InstructionName } from "./names.ts";

/** The arguments `[start, end)` of a logical line, trimmed. */
export interface ArgumentText {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  readonly escape: string;
}

export interface ArgumentWords {
  readonly words: readonly Span[];
  readonly json: boolean;
}

/** How the arguments of each instruction are split. ONBUILD is split as the instruction behind it. */
const SPLITTERS: Readonly<
  Record<Exclude<InstructionName, "ONBUILD">, (args: ArgumentText) => ArgumentWords>
> = {
  ADD: jsonOrBlanks,
  ARG: (args) => words(splitQuoted(args.text, args.start, args.end, args.escape)),
  CMD: jsonOrWhole,
  COPY: jsonOrBlanks,
  ENTRYPOINT: jsonOrWhole,
  ENV: (args) => keyValueWords(args, "ENV"),
  EXPOSE: blanks,
  FROM: blanks,
  HEALTHCHECK: typeAndCommand,
  LABEL: (args) => keyValueWords(args, "LABEL"),
  MAINTAINER: whole,
  RUN: jsonOrWhole,
  SHELL: jsonOrWhole,
  STOPSIGNAL: whole,
  USER: whole,
  VOLUME: jsonOrBlanks,
  WORKDIR: whole,
};

/** Splits the arguments of `keyword`; those of an unknown keyword are one word. Throws {@link Refusal}. */
export function splitArguments(keyword: string, args: ArgumentText): ArgumentWords {
  const name = findInstructionName(keyword);
  return name === undefined || name === "ONBUILD" ? whole(args) : SPLITTERS[name](args);
}

function words(spans: readonly Span[]): ArgumentWords {
  return { words: spans, json: false };
}

function blanks({ text, start, end }: ArgumentText): ArgumentWords {
  return words(splitAtBlanks(text, start, end));
}

function whole({ text, start, end }: ArgumentText): ArgumentWords {
  return words(start === end ? [] : [{ value: text.slice(start, end), start, end }]);
}

function jsonOrWhole(args: ArgumentText): ArgumentWords {
  return json(args) ?? whole(args);
}

function jsonOrBlanks(args: ArgumentText): ArgumentWords {
  return json(args) ?? blanks(args);
}

function json({ text, start, end }: ArgumentText): ArgumentWords | undefined {
  const elements = readJsonArray(text, start, end);
  if (elements === "not-strings")
    throw new Refusal(
      "syntax/json-array",
      "when using JSON array syntax, arrays must be comprised of strings only",
      { hint: "put every element in double quotes" },
    );
  return elements && { words: elements, json: true };
}

/** HEALTHCHECK: one word, then a command. */
function typeAndCommand(args: ArgumentText): ArgumentWords {
  const { text, start, end } = args;
  let typeEnd = start;
  while (typeEnd < end && !isBlankAt(text, typeEnd)) typeEnd++;
  if (typeEnd === start) return words([]);
  let commandStart = typeEnd;
  while (commandStart < end && isBlankAt(text, commandStart)) commandStart++;
  const command = jsonOrWhole({ ...args, start: commandStart });
  const type = { value: text.slice(start, typeEnd), start, end: typeEnd };
  return { words: [type, ...command.words], json: command.json };
}

/** ENV and LABEL: the old form is a key and the rest of the line, the new one words with an `=` in each. */
function keyValueWords(args: ArgumentText, name: string): ArgumentWords {
  const { text, start, end, escape } = args;
  const split = splitQuoted(text, start, end, escape);
  const first = split[0];
  if (first === undefined) return words([]);
  if (!first.value.includes("=")) return words(legacyWords(args, name));
  const bad = split.find((word) => !word.value.includes("="));
  if (bad === undefined) return words(split);
  const message = `Syntax error - can't find = in ${quote(bad.value)}. Must be of the form: name=value`;
  throw new Refusal("syntax/key-value", message, { hint: "put a value that holds blanks in quotes" });
}

function legacyWords({ text, start, end }: ArgumentText, name: string): Span[] {
  let keyEnd = start;
  while (keyEnd < end && !isBlankAt(text, keyEnd)) keyEnd++;
  let valueStart = keyEnd;
  while (valueStart < end && isBlankAt(text, valueStart)) valueStart++;
  if (keyEnd === end)
    throw new Refusal("syntax/key-value", `${name} must have two arguments`, {
      hint: `write ${name} name=value`,
    });
  return [
    { value: text.slice(start, keyEnd), start, end: keyEnd },
    { value: text.slice(valueStart, end), start: valueStart, end },
  ];
}
