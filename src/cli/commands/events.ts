import { LighterError } from "#base";
import type { StoreEvent } from "#events";
import { defineCommand } from "../command.ts";
import { matchesFilters, parseFilters } from "../filters.ts";
import { goRow } from "../format/go-values.ts";
import { parseMoment, untilOption } from "../moment.ts";

const filterNames = ["container", "event", "image", "label", "network", "scope", "type", "volume"] as const;

/** Of docker's daemon and its swarms, which tell of nothing here. */
const strangers = ["config", "daemon", "node", "plugin", "secret", "service"];

export const events = defineCommand({
  name: "events",
  summary: "Show what happens to containers, images, networks and volumes, as it happens",
  usage: "[OPTIONS]",
  flags: {
    filter: {
      kind: "list",
      short: "f",
      value: `${filterNames.join("=|")}=`,
      summary: "Show only those that match",
    },
    format: { kind: "string", value: "json|TEMPLATE", summary: "How to print" },
    since: { kind: "string", value: "TIME|DURATION", summary: "From then on, instead of from now" },
    until: { kind: "string", value: "TIME|DURATION", summary: "End then" },
  },
  arity: { min: 0, max: 0 },
  examples: [
    { command: "lighter events --since 1h --until 0s", explains: "Show what happened in the last hour" },
    { command: "lighter events -f event=die", explains: "Say so each time a container ends" },
    { command: "lighter events -f type=image -f type=volume", explains: "Watch images and volumes" },
  ],
  async run({ flags, io, signal, openEngine }) {
    const filters = parseFilters(flags.filter, [...filterNames, ...strangers]);
    const { compileTemplate } = await import("../format/template.ts");
    const template =
      flags.format === undefined || flags.format === "json" ? undefined : compileTemplate(flags.format);
    await using engine = await openEngine();
    const options = {
      signal,
      ...(flags.since !== undefined && { since: parseMoment(flags.since, io.now()) }),
      ...untilOption(flags.until, io.now()),
    };
    const { since = "", until = since } = options;
    if (until < since)
      throw new LighterError(
        "ARGUMENT_INVALID",
        `cannot show events since ${flags.since}: that is after --until ${flags.until}`,
      );
    for await (const event of engine.events(options)) {
      if (!matchesFilters(filters, (filter) => matches(event, filter))) continue;
      const text =
        template?.(goEvent(event)) ??
        (flags.format === "json" ? JSON.stringify(eventObject(event)) : eventLine(event));
      await io.stdout.write(`${text}\n`);
    }
    return 0;
  },
});

/** By docker's rules: a name or ID of something says what it is too. */
function matches(
  { type, action, id, attributes }: StoreEvent,
  { name, value }: { readonly name: string; readonly value: string },
): boolean {
  switch (name) {
    case "container":
      return type === "container" && (id.startsWith(value) || attributes["name"] === value);
    case "network":
    case "volume":
      return type === name && (id.startsWith(value) || attributes["name"] === value);
    case "event":
      return action === value || action.startsWith(`${value}:`);
    case "image":
      return imageNames(type, id, attributes).some((one) => one === value || withoutTag(one) === value);
    case "scope":
      return value === "local";
    case "type":
      return type === value;
    case "label": {
      const [label = "", wanted] = value.split("=", 2);
      return label in attributes && (wanted === undefined || attributes[label] === wanted);
    }
    default: // one of the strangers
      return false;
  }
}

function imageNames(type: string, id: string, attributes: StoreEvent["attributes"]): readonly string[] {
  if (type === "image") return [id, id.replace("sha256:", ""), attributes["name"] ?? ""];
  return type === "container" ? [attributes["image"] ?? ""] : [];
}

function withoutTag(name: string): string {
  return name.startsWith("sha256:") ? name : name.replace(/:[^/]*$/, "");
}

/** The first three are those of docker before 1.10, which it still gives for containers and images. */
function eventObject({ time, action, type, id, attributes }: StoreEvent) {
  const seconds = Math.floor(Date.parse(time) / 1000);
  return {
    ...(type === "container" || type === "image" ? { status: action, id } : {}),
    ...(type === "container" ? { from: attributes["image"] ?? "" } : {}),
    Type: type,
    Action: action,
    Actor: { ID: id, Attributes: Object.fromEntries(Object.entries(attributes).sort(byName)) },
    scope: "local",
    time: seconds,
    timeNano: Number(`${seconds}${time.slice(20, 29)}`),
  };
}

/** Templates name the fields as docker's program does, or as its JSON does. */
function goEvent(event: StoreEvent): object {
  const object = eventObject(event);
  const { status = "", id = "", from = "", scope, time, timeNano }: Partial<typeof object> = object;
  const named = { Status: status, ID: id, From: from, Scope: scope, Time: time, TimeNano: timeNano };
  return goRow({ ...object, ...named, Actor: goRow(object.Actor) });
}

function eventLine({ time, action, type, id, attributes }: StoreEvent): string {
  const facts = Object.entries(attributes).sort(byName);
  return `${time} ${type} ${action} ${id} (${facts.map(([name, value]) => `${name}=${value}`).join(", ")})`;
}

function byName([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : 1;
}
