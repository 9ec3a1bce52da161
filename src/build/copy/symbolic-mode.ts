import { LighterError } from "#base";

/** Computes the permission bits of a copy from those of its source. */
export type ModeChange = (mode: number, isDirectory: boolean) => number;

interface Clause {
  readonly who: number;
  readonly operator: string;
  readonly permissions: string;
}

const whoBits: Readonly<Record<string, number>> = { u: 0o4700, g: 0o2070, o: 0o1007, a: 0o7777 };
const permissionBits: Readonly<Record<string, number>> = {
  r: 0o444,
  w: 0o222,
  x: 0o111,
  s: 0o6000,
  t: 0o1000,
};

/**
 * The mode that `--chmod` asks for: octal, or symbolic as chmod(1) takes it with a umask of 0.
 * @throws COPY_INVALID
 */
export function compileMode(mode: number | string): ModeChange {
  if (typeof mode === "number") return () => mode & 0o7777;
  const clauses = mode.split(",").flatMap((text) => parseClauses(text, mode));
  return (start, isDirectory) =>
    clauses.reduce((bits, clause) => apply(bits, clause, { start, isDirectory }), start);
}

function parseClauses(text: string, whole: string): readonly Clause[] {
  const match = /^([ugoa]*)((?:[-+=](?:[rwxXst]*|[ugo]))+)$/.exec(text);
  if (match === null)
    throw new LighterError(
      "COPY_INVALID",
      `cannot use --chmod "${whole}": want octal or symbolic permissions`,
    );
  const [, names = "", actions = ""] = match;
  const who = Array.from(names === "" ? "a" : names).reduce((bits, name) => bits | (whoBits[name] ?? 0), 0);
  return [...actions.matchAll(/([-+=])([^-+=]*)/g)].map(([, operator = "", permissions = ""]) => ({
    who,
    operator,
    permissions,
  }));
}

function apply(
  mode: number,
  clause: Clause,
  context: { readonly start: number; readonly isDirectory: boolean },
): number {
  const bits = wanted(mode, clause, context);
  if (clause.operator === "+") return mode | bits;
  if (clause.operator === "-") return mode & ~bits;
  return (mode & ~clause.who) | bits;
}

function wanted(
  mode: number,
  clause: Clause,
  context: { readonly start: number; readonly isDirectory: boolean },
): number {
  const { permissions, who } = clause;
  if (permissions === "u") return spread(mode >> 6) & who;
  if (permissions === "g") return spread(mode >> 3) & who;
  if (permissions === "o") return spread(mode) & who;
  let bits = 0;
  for (const letter of permissions) {
    if (letter !== "X") bits |= permissionBits[letter] ?? 0;
    else if (context.isDirectory || (context.start & 0o111) !== 0) bits |= 0o111;
  }
  return bits & who;
}

function spread(bits: number): number {
  return (bits & 7) * 0o111;
}
