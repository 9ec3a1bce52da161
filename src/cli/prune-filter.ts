import { LighterError } from "#base";
import { parseFilters } from "./filters.ts";
import { parseMoment } from "./moment.ts";

/** What a prune decides by. */
export interface Prunable {
  readonly created: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Docker's filters of a prune: every label has to be there, none of `label!=`, and it is older than `until`. @throws ARGUMENT_INVALID */
export function pruneFilter(
  words: readonly string[],
  nowMs: number,
  names: readonly string[] = ["label", "label!", "until"],
): (thing: Prunable) => boolean {
  const filters = parseFilters(words, names);
  const until = filters.filter(({ name }) => name === "until").map(({ value }) => parseMoment(value, nowMs));
  if (until.length > 1)
    throw new LighterError("ARGUMENT_INVALID", "cannot filter by several times: give until once");
  return ({ created, labels }) =>
    (until[0] === undefined || nanoseconds(created) < until[0]) &&
    filters.every(({ name, value }) => name === "until" || hasLabel(labels, value) === (name === "label"));
}

function hasLabel(labels: Prunable["labels"], wanted: string): boolean {
  const equals = wanted.indexOf("=");
  const name = equals < 0 ? wanted : wanted.slice(0, equals);
  return Object.hasOwn(labels, name) && (equals < 0 || labels[name] === wanted.slice(equals + 1));
}

/** In the form that compares as text. */
function nanoseconds(time: string): string {
  return parseMoment(time.replace(/\.\d+/, ""), 0);
}
