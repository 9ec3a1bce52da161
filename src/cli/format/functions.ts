import { LighterError } from "#base";
import { zeroOf } from "./go-values.ts";
import { showValue } from "./show-value.ts";

type TemplateFunction = (...values: readonly unknown[]) => unknown;

/** The functions of docker's templates and the common ones of Go. */
export const templateFunctions: Readonly<Record<string, TemplateFunction>> = {
  json: (value) => JSON.stringify(value ?? null),
  join: (list, separator) => items(list).map(showValue).join(text(separator)),
  split: (value, separator) => text(value).split(text(separator)),
  lower: (value) => text(value).toLowerCase(),
  upper: (value) => text(value).toUpperCase(),
  title: (value) => text(value).replace(/(^|\s)\S/g, (letter) => letter.toUpperCase()),
  pad: (value, before, after) => " ".repeat(Number(before)) + text(value) + " ".repeat(Number(after)),
  truncate: (value, length) => text(value).slice(0, Number(length)),
  println: (...values) => `${values.map(showValue).join(" ")}\n`,
  print: (...values) => values.map(showValue).join(""),
  printf: (format, ...values) => formatText(text(format), values),
  len: (value) => (typeof value === "string" ? Buffer.byteLength(value) : items(value).length),
  index: (value, ...keys) => keys.reduce(at, value),
  slice: (value, from, to) => text(value).slice(Number(from ?? 0), to === undefined ? undefined : Number(to)),
  not: (value) => !isTruthy(value),
  and: (...values) => values.find((value) => !isTruthy(value)) ?? values.at(-1),
  or: (...values) => values.find(isTruthy) ?? values.at(-1),
  eq: (value, ...others) => others.some((other) => other === value),
  ne: (value, other) => value !== other,
  lt: (value, other) => compare(value, other) < 0,
  le: (value, other) => compare(value, other) <= 0,
  gt: (value, other) => compare(value, other) > 0,
  ge: (value, other) => compare(value, other) >= 0,
};

/** Go's truth: false, 0, nothing and what is empty are false. */
export function isTruthy(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === "object" && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}

/** An element of a list or a value of a map, in the map's order of keys. */
export function items(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (typeof value === "object" && value !== null) return sortedEntries(value).map(([, item]) => item);
  return [];
}

/** Go ranges over a map by its sorted keys. */
export function sortedEntries(value: object): readonly (readonly [string, unknown])[] {
  return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
}

function at(value: unknown, key: unknown): unknown {
  const isOutside = Array.isArray(value) && !(Number(key) in value);
  if (isOutside)
    throw new LighterError(
      "ARGUMENT_INVALID",
      `template parsing error: error calling index: index out of range: ${key}`,
    );
  if (typeof value !== "object" || value === null)
    throw new LighterError(
      "ARGUMENT_INVALID",
      "template parsing error: error calling index: index of untyped nil",
    );
  const name = String(key);
  if (Object.hasOwn(value, name)) return Reflect.get(value, name);
  return zeroOf(value);
}

function compare(value: unknown, other: unknown): number {
  if (typeof value === "number" && typeof other === "number") return value - other;
  const [a, b] = [text(value), text(other)];
  return a < b ? -1 : a > b ? 1 : 0;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : showValue(value);
}

function formatText(format: string, values: readonly unknown[]): string {
  let next = 0;
  return format.replace(/%(-?)(\d*)([svdq%])/g, (_, left: string, width: string, verb: string) => {
    if (verb === "%") return "%";
    const shown = verb === "q" ? JSON.stringify(text(values[next++])) : text(values[next++]);
    return left === "-" ? shown.padEnd(Number(width)) : shown.padStart(Number(width));
  });
}
