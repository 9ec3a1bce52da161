import type { ContainerEvent } from "#container";
import { defineCommand } from "../command.ts";
import { matchesFilters, parseFilters } from "../filters.ts";
import { parseMoment } from "../moment.ts";

export const events = defineCommand({
  name: "events",
  summary: "Show what happens to containers, as it happens",
  usage: "[OPTIONS]",
  flags: {
    filter: {
      kind: "list",
      short: "f",
      value: "container=|event=|image=|label=|type=",
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
  ],
  async run({ flags, io, signal, openEngine }) {
    const filters = parseFilters(flags.filter, ["container", "event", "image", "label", "type"]);
    const { compileTemplate } = await import("../format/template.ts");
    const template =
      flags.format === undefined || flags.format === "json" ? undefined : compileTemplate(flags.format);
    await using engine = await openEngine();
    const options = {
      signal,
      ...(flags.since !== undefined && { since: parseMoment(flags.since, io.now()) }),
      ...(flags.until !== undefined && { until: parseMoment(flags.until, io.now()) }),
    };
    for await (const event of engine.containers.events(options)) {
      if (!matchesFilters(filters, (filter) => matches(event, filter))) continue;
      const object = eventObject(event);
      const text =
        template?.(object) ?? (flags.format === "json" ? JSON.stringify(object) : eventLine(event));
      await io.stdout.write(`${text}\n`);
    }
    return 0;
  },
});

function matches(
  event: ContainerEvent,
  { name, value }: { readonly name: string; readonly value: string },
): boolean {
  const { attributes } = event;
  switch (name) {
    case "container":
      return event.id.startsWith(value) || attributes["name"] === value;
    case "event":
      return event.action === value || event.action.startsWith(`${value}:`);
    case "image":
      return attributes["image"] === value;
    case "type":
      return event.type === value;
    default: {
      const [label = "", wanted] = value.split("=", 2);
      return label in attributes && (wanted === undefined || attributes[label] === wanted);
    }
  }
}

function eventObject({
  time,
  action,
  type,
  id,
  attributes,
}: ContainerEvent): Readonly<Record<string, unknown>> {
  const seconds = Math.floor(Date.parse(time) / 1000);
  return {
    status: action,
    id,
    from: attributes["image"] ?? "",
    Type: type,
    Action: action,
    Actor: { ID: id, Attributes: attributes },
    scope: "local",
    time: seconds,
    timeNano: Number(`${seconds}${time.slice(20, 29)}`),
  };
}

function eventLine({ time, action, type, id, attributes }: ContainerEvent): string {
  const facts = Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));
  return `${time} ${type} ${action} ${id} (${facts.map(([name, value]) => `${name}=${value}`).join(", ")})`;
}
