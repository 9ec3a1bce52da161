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
  for (const token of readTokens(flags, words)) {
    if (token.kind === "positional") {
      if (stopsAtArgument) return { given, args: words.slice(token.index) };
      args.push(token.value);
    } else if (token.kind === "option") {
      const { name, rawName, value } = token;
      const isShort = !rawName.startsWith("--");
      // parseArgs reads `-t=false` as the cluster -t -= -f …; pflag reads a value after the equals sign.
      if (isShort && name === "=")
        return tokenize(flags, spellOut(flags, words, token.index), stopsAtArgument);
      const joined = isShort && token.inlineValue === true;
      given.push({ name, rawName, isShort, value: joined ? value?.replace(/^=/, "") : value });
    }
  }
  return { given, args };
}

function readTokens(flags: Flags, words: readonly string[]) {
  const options = Object.fromEntries(
    Object.entries(flags).map(([name, flag]) => [
      name,
      {
        type: flag.kind === "boolean" ? ("boolean" as const) : ("string" as const),
        ...(flag.short !== undefined && { short: flag.short }),
      },
    ]),
  );
  // Not an import: as a module of its own node:util takes 1.5 ms to load.
  const { parseArgs } = process.getBuiltinModule("node:util");
  return parseArgs({ args: [...words], options, strict: false, allowPositionals: true, tokens: true }).tokens;
}

/** `-it=false` as `-i --tty=false`. */
function spellOut(flags: Flags, words: readonly string[], index: number): readonly string[] {
  const word = words[index] ?? "";
  const equals = word.indexOf("=");
  const letter = word[equals - 1];
  const name = Object.entries(flags).find(([, flag]) => flag.short === letter)?.[0] ?? letter;
  const cluster = equals > 2 ? [word.slice(0, equals - 1)] : [];
  return [...words.slice(0, index), ...cluster, `--${name}${word.slice(equals)}`, ...words.slice(index + 1)];
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
