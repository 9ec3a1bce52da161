import { LighterError } from "#base";

/** Computes the permission bits of a copy from those of its source. */
export type ModeChange = (mode: number, isDirectory: boolean) => number;

interface Clause {
  /** Bits of those named; 0 when nobody is, which means all. */
  readonly who: number;
  readonly operator: string;
  readonly permissions: string;
}

const sticky = 0o1000;
const whoBits: Readonly<Record<string, number>> = { u: 0o4700, g: 0o2070, o: 0o0007, a: 0o6777 };
const permissionBits: Readonly<Record<string, number>> = { r: 0o444, w: 0o222, x: 0o111 };

/**
 * The mode that `--chmod` asks for: octal, or symbolic as BSD's setmode(3) takes it with a umask of 0, which is what BuildKit
 * does. It differs from GNU's chmod in the special bits: only a `t` changes the sticky bit, `=t` changes nothing else, and a
 * copy such as `g=u` leaves them alone.
 * @throws COPY_INVALID
 */
export function compileMode(mode: number | string): ModeChange {
  if (typeof mode === "number") return () => mode & 0o7777;
  const clauses = mode.split(",").flatMap((text) => parseClauses(text, mode));
  return (start, isDirectory) =>
    clauses.reduce(
      (bits, clause) => apply(bits, clause, isDirectory || (start & 0o111) !== 0 ? 0o111 : 0),
      start & 0o7777,
    );
}

function parseClauses(text: string, whole: string): readonly Clause[] {
  const match = /^([ugoa]*)((?:[-+=](?:[rwxXst]*|[ugo]))+)$/.exec(text);
  if (match === null)
    throw new LighterError(
      "COPY_INVALID",
      `cannot use --chmod "${whole}": want octal or symbolic permissions`,
    );
  const [, names = "", actions = ""] = match;
  const who = Array.from(names).reduce((bits, name) => bits | (whoBits[name] ?? 0), 0);
  return [...actions.matchAll(/([-+=])([^-+=]*)/g)].map(([, operator = "", permissions = ""]) => ({
    who,
    operator,
    permissions,
  }));
}

function apply(mode: number, clause: Clause, conditionalExecute: number): number {
  if (/^[ugo]$/.test(clause.permissions)) return copyClass(mode, clause);
  const { who, bits } = wanted(clause, conditionalExecute);
  if (clause.operator === "+") return mode | bits;
  if (clause.operator === "-") return mode & ~bits;
  return (mode & ~(who === 0 ? (whoBits["a"] ?? 0) : who)) | bits;
}

function wanted(
  { who: named, permissions }: Clause,
  conditionalExecute: number,
): { readonly who: number; readonly bits: number } {
  const isOnlyOthers = named === whoBits["o"];
  let who = named;
  let bits = 0;
  for (const letter of permissions) {
    if (letter === "X") bits |= conditionalExecute;
    else if (letter === "s") bits |= isOnlyOthers ? 0 : 0o6000;
    else if (letter !== "t") bits |= permissionBits[letter] ?? 0;
    else if (!isOnlyOthers) {
      who |= sticky;
      bits |= sticky;
    }
  }
  return { who, bits: bits & (who === 0 ? 0o7777 : who) };
}

/** `g=u`, `o+g`: the permissions of one class for others. */
function copyClass(mode: number, { who, operator, permissions }: Clause): number {
  const shift = permissions === "u" ? 6 : permissions === "g" ? 3 : 0;
  const classes = (who === 0 ? 0o777 : who) & 0o777;
  const bits = (((mode >> shift) & 7) * 0o111) & classes;
  if (operator === "+") return mode | bits;
  return operator === "-" ? mode & ~bits : (mode & ~classes) | bits;
}
