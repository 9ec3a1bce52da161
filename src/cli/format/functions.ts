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
  pad: (value, before, after) => pad(text(value), Number(before), Number(after)),
  truncate: (value, length) => text(value).slice(0, Number(length)),
  println: (...values) => `${values.map(showValue).join(" ")}\n`,
  print: (...values) => printed(values),
  printf: (format, ...values) => formatText(text(format), values),
  len: (value) => (typeof value === "string" ? Buffer.byteLength(value) : items(value).length),
  index: (value, ...keys) => keys.reduce(at, value),
  slice: (value, from, to) =>
    (Array.isArray(value) ? value : text(value)).slice(
      Number(from ?? 0),
      to === undefined ? undefined : Number(to),
    ),
  not: (value) => !isTruthy(value),
  and: (...values) => values[first(values, (value) => !isTruthy(value))],
  or: (...values) => values[first(values, isTruthy)],
  eq: (value, ...others) => others.some((other) => other === value),
  ne: (value, other) => value !== other,
  lt: (value, other) => compare(value, other) < 0,
  le: (value, other) => compare(value, other) <= 0,
  gt: (value, other) => compare(value, other) > 0,
  ge: (value, other) => compare(value, other) >= 0,
  html: (...values) => printed(values).replace(/[&<>"'\0]/g, (letter) => htmlWords[letter] ?? letter),
  js: (...values) => printed(values).replace(/[\\'"<>&=\n\r\t]/g, (letter) => jsWords[letter] ?? letter),
  urlquery: (...values) =>
    encodeURIComponent(printed(values))
      .replace(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`)
      .replaceAll("%20", "+"),
};

const htmlWords: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&#34;",
  "'": "&#39;",
  "\0": "\uFFFD",
};

const jsWords: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "'": "\\'",
  '"': '\\"',
  "<": "\\u003C",
  ">": "\\u003E",
  "&": "\\u0026",
  "=": "\\u003D",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

/** A word that may stand for a value: a function or a constant. */
export function isKnownWord(word: string): boolean {
  return Object.hasOwn(templateFunctions, word) || word === "true" || word === "false" || word === "nil";
}

function pad(value: string, before: number, after: number): string {
  return value === "" ? "" : " ".repeat(before) + value + " ".repeat(after);
}

/** Go's Print: a blank between two values of which neither is a text. */
function printed(values: readonly unknown[]): string {
  return values
    .map((value, at) => {
      const isApart = at > 0 && typeof value !== "string" && typeof values[at - 1] !== "string";
      return `${isApart ? " " : ""}${showValue(value)}`;
    })
    .join("");
}

/** The place of the first that is so, or of the last. */
function first(values: readonly unknown[], isIt: (value: unknown) => boolean): number {
  const place = values.findIndex(isIt);
  return place < 0 ? values.length - 1 : place;
}

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

/** The verbs of Go's Printf that make sense for what is inspected. */
function formatText(format: string, values: readonly unknown[]): string {
  let next = 0;
  return format.replace(
    /%([-+#0 ]*)(\d*)(?:\.(\d*))?([a-zA-Z%])/g,
    (_, ...parts: readonly (string | undefined)[]) => {
      const [flags = "", width = "", precision, verb = ""] = parts;
      if (verb === "%") return "%";
      const shown = formatValue(values[next++], verb, precision);
      if (flags.includes("-")) return shown.padEnd(Number(width));
      return shown.padStart(Number(width), flags.includes("0") && verb !== "s" ? "0" : " ");
    },
  );
}

function formatValue(value: unknown, verb: string, precision: string | undefined): string {
  switch (verb) {
    case "q":
      return JSON.stringify(text(value));
    case "x":
    case "X": {
      const hex = typeof value === "number" ? value.toString(16) : Buffer.from(text(value)).toString("hex");
      return verb === "X" ? hex.toUpperCase() : hex;
    }
    case "f":
      return Number(value).toFixed(precision === undefined ? 6 : Number(precision));
    default:
      return precision === undefined ? text(value) : text(value).slice(0, Number(precision));
  }
}
