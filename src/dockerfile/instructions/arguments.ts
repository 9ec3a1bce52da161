import type { CommandLine, InstructionSource, KeyValue } from "../ast.ts";
import { Refusal } from "../refusal.ts";

/** The one argument of an instruction that takes exactly one. */
export function onlyArgument(source: InstructionSource, name: string): string {
  const [word, ...more] = source.words;
  if (word !== undefined && more.length === 0) return word.value;
  throw new Refusal("instruction/arguments", `${name} requires exactly one argument`);
}

/** Refuses an instruction that has no argument. */
export function requireArguments(source: InstructionSource, name: string): void {
  if (source.words.length > 0) return;
  throw new Refusal("instruction/arguments", `${name} requires at least one argument`);
}

/** The command of RUN, CMD and ENTRYPOINT. */
export function commandLine(source: InstructionSource): CommandLine {
  const args = Object.freeze(source.words.map((word) => word.value));
  return Object.freeze({ form: source.json ? "exec" : "shell", args });
}

/** The pairs of ENV and LABEL. */
export function keyValues(source: InstructionSource, name: string): readonly KeyValue[] {
  requireArguments(source, name);
  const pairs = isLegacy(source) ? [legacyPair(source)] : source.words.map(({ value }) => pairOf(value));
  if (pairs.every(({ key }) => key !== "")) return Object.freeze(pairs.map((pair) => Object.freeze(pair)));
  throw new Refusal("instruction/arguments", `${name} names can not be blank`);
}

/** The old form is split into two words, of which the first has no `=`; the new one has an `=` in every word. */
function isLegacy(source: InstructionSource): boolean {
  return !source.words[0]?.value.includes("=");
}

function legacyPair({ words }: InstructionSource): KeyValue {
  return { key: words[0]?.value ?? "", value: words[1]?.value ?? "", legacy: true };
}

function pairOf(word: string): KeyValue {
  const equals = word.indexOf("=");
  return { key: word.slice(0, equals), value: word.slice(equals + 1), legacy: false };
}

/** What the comments above say of a name: the rest of the first line that begins with it. */
export function docComments(comments: readonly string[]): (name: string) => { docComment?: string } {
  if (comments.length === 0) return () => ({});
  // By first word, so that many names and many comments take no time squared. A name has no blanks but in quotes.
  const byWord = new Map<string, string>();
  for (const comment of comments) {
    const word = firstWord(comment);
    if (word !== undefined && !byWord.has(word)) byWord.set(word, comment);
  }
  return (name) => {
    const line = name === "" ? undefined : byWord.get(name);
    return line === undefined ? {} : { docComment: line.slice(name.length + 1) };
  };
}

function firstWord(comment: string): string | undefined {
  const blank = comment.indexOf(" ");
  return blank < 0 ? undefined : comment.slice(0, blank);
}
