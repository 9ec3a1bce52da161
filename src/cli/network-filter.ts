import { LighterError } from "#base";
import type { NetworkView } from "#network";

type Test = (network: NetworkView, value: string) => boolean;

const tests: Readonly<Record<string, Test>> = {
  name: (network, value) => matches(network.name, value),
  id: (network, value) => matches(network.id, value),
  driver: (network, value) => network.driver === value,
  scope: (_, value) => value === "local",
  type: (network, value) =>
    (oneOf("type", value, ["builtin", "custom"]) === "builtin") === isBuiltin(network),
  label: hasLabel,
  dangling: (network, value) =>
    ["true", "1"].includes(oneOf("dangling", value, ["true", "1", "false", "0"])) ===
    (network.members.length === 0 && !isBuiltin(network)),
};

const pruneTests: Readonly<Record<string, Test>> = {
  label: hasLabel,
  "label!": (network, value) => !hasLabel(network, value),
  until: (network, value) => Date.parse(network.created) < untilMs(value),
};

/** What `network ls --filter` accepts: of one name any value, of several names each. @throws ARGUMENT_INVALID, USAGE */
export function networkFilter(words: readonly string[]): (network: NetworkView) => boolean {
  return filterBy(words, tests);
}

/** The same for `network prune`. @throws ARGUMENT_INVALID, USAGE */
export function pruneFilter(words: readonly string[]): (network: NetworkView) => boolean {
  return filterBy(words, pruneTests);
}

function filterBy(words: readonly string[], known: typeof tests): (network: NetworkView) => boolean {
  const wanted = new Map<string, { readonly test: Test; readonly values: string[] }>();
  for (const word of words) {
    const equals = word.indexOf("=");
    const name = word.slice(0, equals).trim().toLowerCase();
    const test = known[name];
    if (equals < 0)
      throw new LighterError(
        "USAGE",
        `invalid argument "${word}" for "-f, --filter" flag: bad format of filter (expected name=value)`,
      );
    if (equals < 1 || test === undefined)
      throw new LighterError(
        "ARGUMENT_INVALID",
        `cannot filter by "${word}": want NAME=VALUE, where NAME is one of ${Object.keys(known).join(", ")}`,
      );
    const entry = wanted.get(name) ?? { test, values: [] };
    wanted.set(name, { test, values: [...entry.values, word.slice(equals + 1)] });
  }
  // Every label has to be there; of the other names one value is enough, as docker has it.
  return (network) =>
    [...wanted].every(([name, { test, values }]) =>
      name.startsWith("label")
        ? values.every((value) => test(network, value))
        : values.some((value) => test(network, value)),
    );
}

/** A part of it, or a regular expression. */
function matches(text: string, wanted: string): boolean {
  try {
    return text.includes(wanted) || new RegExp(wanted).test(text);
  } catch {
    return false;
  }
}

function oneOf(name: string, value: string, allowed: readonly string[]): string {
  if (allowed.includes(value)) return value;
  throw new LighterError(
    "ARGUMENT_INVALID",
    `cannot filter by "${name}=${value}": want one of ${allowed.map((one) => `${name}=${one}`).join(", ")}`,
  );
}

function hasLabel({ labels }: NetworkView, wanted: string): boolean {
  const equals = wanted.indexOf("=");
  return equals < 0 ? wanted in labels : labels[wanted.slice(0, equals)] === wanted.slice(equals + 1);
}

function isBuiltin({ name }: NetworkView): boolean {
  return name === "bridge" || name === "host" || name === "none";
}

/** A time, or how long ago: `24h`. */
function untilMs(text: string): number {
  const ago = /^(\d+)([smhd])$/.exec(text);
  if (ago !== null) {
    const unitMs = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[ago[2] ?? "s"] ?? 1000;
    return Date.now() - Number(ago[1]) * unitMs;
  }
  const time = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  if (Number.isNaN(time))
    throw new LighterError(
      "ARGUMENT_INVALID",
      `cannot filter by "until=${text}": want a time, or how long ago as in 24h`,
    );
  return time;
}
