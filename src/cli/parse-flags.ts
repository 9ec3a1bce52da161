import type { Command, Flag, Flags } from "./command.ts";
import { findSuggestion } from "./suggest.ts";
import { usageError } from "./usage-error.ts";

/** Flags that every command takes, before or after its name. */
export const globalFlags = {
  root: {
    kind: "string",
    value: "DIRECTORY",
    summary: "The store (default $LIGHTER_ROOT, else /var/lib/lighter)",
  },
  debug: { kind: "boolean", summary: "Show where an error comes from" },
  help: { kind: "boolean", summary: "Show this page" },
} as const satisfies Flags;

export interface ParsedLine {
  readonly flags: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;
  readonly args: readonly string[];
}

interface Given {
  readonly name: string;
  /** As it was typed: `--tag` or `-t`. */
  readonly rawName: string;
  readonly value: string | undefined;
  readonly isShort: boolean;
}

/**
 * Parses words as docker does: clusters (`-itd`), values joined or apart (`-p80:80`, `--tag x`, `--tag=x`), `--flag=false`,
 * repeated flags, `--`, and an end of flags at the first argument for commands that start a program.
 * @throws USAGE in docker's words
 */
export function parseFlags(command: Command, words: readonly string[]): ParsedLine {
  const flags: Flags = { ...command.flags, ...globalFlags };
  const { former, all } = withFormerNames(flags);
  const { given, args } = tokenize(all, words, command.stopsAtArgument === true);
  const values: Record<string, string | number | boolean | readonly string[] | undefined> = {};
  for (const [name, flag] of Object.entries(flags)) values[name] = absentValue(flag);
  for (const entry of given) {
    const name = former.get(entry.name) ?? entry.name;
    const flag = Object.hasOwn(flags, name) ? flags[name] : undefined;
    if (flag === undefined) throw unknownFlag(command, flags, entry);
    const value = convert(command, flag, entry);
    const list = values[name];
    values[name] = Array.isArray(list) ? [...list, String(value)] : value;
  }
  if (values["help"] !== true) checkArity(command, args.length);
  return { flags: values, args };
}

function withFormerNames(flags: Flags): {
  readonly former: ReadonlyMap<string, string>;
  readonly all: Flags;
} {
  const former = new Map<string, string>();
  const all: Record<string, Flag> = { ...flags };
  for (const [name, flag] of Object.entries(flags))
    for (const old of flag.formerly ?? []) {
      former.set(old, name);
      const { short: _, ...long } = flag;
      all[old] = long;
    }
  return { former, all };
}

function absentValue(flag: Flag): boolean | readonly string[] | undefined {
  if (flag.kind === "boolean") return flag.on === true;
  return flag.kind === "list" ? [] : undefined;
}

function tokenize(
  flags: Flags,
  words: readonly string[],
  stopsAtArgument: boolean,
): { given: readonly Given[]; args: readonly string[] } {
  const given: Given[] = [];
  const args: string[] = [];
  const shorts = new Map(Object.entries(flags).map(([name, { short }]) => [short, name]));
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? "";
    if (word === "--") return { given, args: [...args, ...words.slice(index + 1)] };
    if (!word.startsWith("-") || word === "-") {
      if (stopsAtArgument) return { given, args: words.slice(index) };
      args.push(word);
      continue;
    }
    const found = word.startsWith("--") ? [readLong(word)] : readCluster(flags, shorts, word);
    const last = found.at(-1);
    // The value is the next word, whatever that looks like.
    if (last?.value === undefined && last !== undefined && takesValue(flags, last.name)) {
      index += 1;
      found.splice(-1, 1, { ...last, value: words[index] });
    }
    given.push(...found);
  }
  return { given, args };
}

function takesValue(flags: Flags, name: string): boolean {
  return Object.hasOwn(flags, name) && flags[name]?.kind !== "boolean";
}

/** `--tag` or `--tag=x`. */
function readLong(word: string): Given {
  const equals = word.indexOf("=", 3);
  if (equals < 0) return { name: word.slice(2), rawName: word, value: undefined, isShort: false };
  return {
    name: word.slice(2, equals),
    rawName: word.slice(0, equals),
    value: word.slice(equals + 1),
    isShort: false,
  };
}

/** `-i`, `-it`, `-it=false`, `-p80:80`, `-p=80:80`, and `-ip` whose value is the next word. */
function readCluster(flags: Flags, shorts: ReadonlyMap<string | undefined, string>, word: string): Given[] {
  const found: Given[] = [];
  for (let at = 1; at < word.length; at += 1) {
    const letter = word.charAt(at);
    const name = shorts.get(letter) ?? letter;
    const rest = word.slice(at + 1);
    if (takesValue(flags, name)) {
      const value = rest === "" ? undefined : rest.replace(/^=/, "");
      return [...found, { name, rawName: `-${letter}`, value, isShort: true }];
    }
    if (rest.startsWith("="))
      return [...found, { name, rawName: `--${name}`, value: rest.slice(1), isShort: false }];
    found.push({ name, rawName: `-${letter}`, value: undefined, isShort: true });
  }
  return found;
}

const trueWords = ["1", "t", "T", "true", "TRUE", "True"];
const falseWords = ["0", "f", "F", "false", "FALSE", "False"];

function convert(command: Command, flag: Flag, given: Given): string | number | boolean {
  const { value, rawName } = given;
  if (flag.kind === "boolean") {
    if (value === undefined || trueWords.includes(value)) return true;
    if (falseWords.includes(value)) return false;
    throw usageError(command, `invalid argument "${value}" for "${rawName}" flag: want true or false`);
  }
  if (value === undefined) {
    const text = given.isShort ? `'${given.rawName.slice(1)}' in ${rawName}` : rawName;
    throw usageError(command, `flag needs an argument: ${text}`);
  }
  if (flag.choices !== undefined && !flag.choices.includes(value))
    throw usageError(
      command,
      `invalid argument "${value}" for "${rawName}" flag: want ${flag.choices.join(", ")}`,
      flag.isChosenLate === true ? "ARGUMENT_INVALID" : "USAGE",
    );
  if (flag.kind !== "integer") return value;
  if (/^[+-]?\d{1,15}$/.test(value)) return Number(value);
  throw usageError(command, `invalid argument "${value}" for "${rawName}" flag: want a whole number`);
}

function unknownFlag(command: Command, flags: Flags, given: Given): Error {
  const reason = command.refused?.[given.name];
  if (reason !== undefined) return usageError(command, `cannot use ${given.rawName}: ${reason}`);
  if (command.notYet?.includes(given.name) === true || command.notYet?.includes(given.rawName) === true)
    return usageError(
      command,
      `cannot use ${given.rawName}: this version of lighter does not have docker's flag yet`,
    );
  if (given.isShort)
    return usageError(command, `unknown shorthand flag: '${given.name}' in ${given.rawName}`);
  const suggestion = findSuggestion(given.name, Object.keys(flags));
  const hint = suggestion === undefined ? "" : `; did you mean --${suggestion}?`;
  return usageError(command, `unknown flag: ${given.rawName}${hint}`);
}

function checkArity(command: Command, count: number): void {
  const { min, max } = command.arity;
  if (count >= min && count <= max) return;
  const noun = (number: number) => `${number} argument${number === 1 ? "" : "s"}`;
  const wants =
    max === 0
      ? "accepts no arguments"
      : min === max
        ? `requires ${noun(min)}`
        : count < min
          ? `requires at least ${noun(min)}`
          : `requires at most ${noun(max)}`;
  throw usageError(command, `'lighter ${command.name}' ${wants}`, "ARGUMENT_INVALID");
}
