import type { Flag, InstructionSource } from "./ast.ts";
import { Refusal } from "./refusal.ts";
import { didYouMean } from "./suggest.ts";

/** `boolean` takes an optional true or false, `list` may stand more than once. */
export type FlagType = "boolean" | "text" | "list";

/** The flags of one instruction by name, in BuildKit's order of declaration. */
export type FlagTypes = Readonly<Record<string, FlagType>>;

/** The flags that were given. */
export interface FlagValues {
  /** `undefined` when the flag is absent or empty. */
  text(name: string): string | undefined;
  /** `undefined` when the flag is absent. */
  boolean(name: string): boolean | undefined;
  list(name: string): readonly Flag[];
}

const NO_FLAGS: FlagValues = { text: () => undefined, boolean: () => undefined, list: () => [] };

/** Checks the flags of an instruction against those it knows. */
export function readFlagValues(instruction: InstructionSource, types: FlagTypes): FlagValues {
  if (instruction.flags.length === 0) return NO_FLAGS;
  const given = new Map<string, Flag[]>();
  for (const flag of instruction.flags) {
    const type = Object.hasOwn(types, flag.name) ? types[flag.name] : undefined;
    if (type === undefined) throw unknownFlag(flag, instruction.keyword.value, types);
    const before = given.get(flag.name);
    if (before !== undefined && type !== "list")
      throw refuse(flag, `duplicate flag specified: --${flag.name}`);
    checkValue(flag, type);
    if (before === undefined) given.set(flag.name, [flag]);
    else before.push(flag);
  }
  const find = (name: string): Flag | undefined => given.get(name)?.[0];
  return {
    text: (name) => find(name)?.value || undefined,
    boolean: (name) => {
      const flag = find(name);
      return flag && flag.value?.toLowerCase() !== "false";
    },
    list: (name) => given.get(name) ?? [],
  };
}

function unknownFlag(flag: Flag, keyword: string, types: FlagTypes): Refusal {
  const names = Object.keys(types);
  const message = `unknown flag: --${flag.name}${didYouMean(flag.name, names)}`;
  const known = names.map((name) => `--${name}`).join(", ");
  const hint = names.length === 0 ? "takes no flags" : `takes ${known}`;
  return new Refusal("instruction/flag", message, {
    range: flag.range,
    hint: `${keyword.toUpperCase()} ${hint}`,
  });
}

function checkValue(flag: Flag, type: FlagType): void {
  const { name, value } = flag;
  if (type === "boolean" ? value === "" : value === undefined)
    throw refuse(flag, `missing a value on flag: --${name}`);
  if (type !== "boolean" || value === undefined || /^(true|false)$/i.test(value)) return;
  throw refuse(flag, `expecting boolean value for flag --${name}, not: ${value}`);
}

function refuse(flag: Flag, message: string): Refusal {
  return new Refusal("instruction/flag", message, { range: flag.range });
}
