import { quote } from "./go-text.ts";

const UNIT_NS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  "\u00b5s": 1e3,
  "\u03bcs": 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** The largest duration: 2^63 - 1 ns. */
const MAX_NS = 2 ** 63;

/**
 * Reads a duration such as `1m30s` into nanoseconds. Throws an Error whose message is that of Go's
 * time.ParseDuration.
 */
export function parseDuration(text: string): number {
  const sign = /^[+-]/.exec(text)?.[0] ?? "";
  const rest = text.slice(sign.length);
  if (rest === "0") return 0;
  if (rest === "") throw new Error(`time: invalid duration ${quote(text)}`);
  const total = readTerms(text, rest);
  return sign === "-" ? -total : total;
}

function readTerms(text: string, terms: string): number {
  let total = 0;
  for (let index = 0; index < terms.length; ) {
    const number = readNumber(terms, index);
    if (!/[0-9]/.test(number)) throw new Error(`time: invalid duration ${quote(text)}`);
    index += number.length;
    const unit = readUnit(terms, index);
    if (unit === "") throw new Error(`time: missing unit in duration ${quote(text)}`);
    const unitNs = UNIT_NS[unit];
    if (unitNs === undefined) throw new Error(`time: unknown unit ${quote(unit)} in duration ${quote(text)}`);
    index += unit.length;
    total += toNs(number, unitNs);
    if (total >= MAX_NS) throw new Error(`time: invalid duration ${quote(text)}`);
  }
  return total;
}

/** Digits with at most one point. */
function readNumber(text: string, start: number): string {
  let end = start;
  let points = 0;
  for (; end < text.length; end++) {
    const character = text.charAt(end);
    if (character === "." ? points++ > 0 : character < "0" || character > "9") break;
  }
  return text.slice(start, end);
}

function readUnit(text: string, start: number): string {
  let end = start;
  while (end < text.length && !/[.0-9]/.test(text.charAt(end))) end++;
  return text.slice(start, end);
}

/** Whole and fraction apart: 1.1s is 1100000000 ns and no fraction of one. */
function toNs(number: string, unitNs: number): number {
  const [whole = "", fraction = ""] = number.split(".");
  return (
    Number(whole) * unitNs +
    Math.trunc((Number(fraction.slice(0, 18)) * unitNs) / 10 ** Math.min(fraction.length, 18))
  );
}
