import type { LogOptions } from "#container";
import { defineCommand, type Invocation } from "../command.ts";
import type { CliEngine } from "../engine-port.ts";
import { parseMoment, untilOption } from "../moment.ts";

const logsFlags = {
  details: { kind: "boolean", summary: "Put the labels and variables that --log-opt chose before each line" },
  follow: { kind: "boolean", short: "f", summary: "Go on while the container runs" },
  since: {
    kind: "string",
    value: "TIME|DURATION",
    summary: "Only what came after (2026-01-02T13:23:37Z, 42m)",
  },
  tail: { kind: "string", short: "n", value: "COUNT", summary: "Only the last lines (default all)" },
  timestamps: { kind: "boolean", short: "t", summary: "Put the time before each line" },
  until: { kind: "string", value: "TIME|DURATION", summary: "Only what came before" },
} as const;

export const logs = defineCommand({
  name: "logs",
  summary: "Show what a container printed",
  usage: "[OPTIONS] CONTAINER",
  flags: logsFlags,
  arity: { min: 1, max: 1 },
  argument: "container",
  examples: [
    { command: "lighter logs -f --tail 20 web", explains: "Show the last lines and each new one" },
    { command: "lighter logs --since 10m web", explains: "Show the last ten minutes" },
  ],
  async run(invocation) {
    const { flags, args, io, signal } = invocation;
    const options = logOptions(invocation);
    await using engine = await invocation.openEngine();
    const prefix = flags.details ? await detailsOf(engine, args[0] ?? "") : "";
    for await (const { stream, time, log } of engine.containers.logs(args[0] ?? "", options)) {
      const written = io[stream].write(`${flags.timestamps ? `${time} ` : ""}${prefix}${log}`);
      if (written !== undefined) await written;
      if (signal.aborted) break;
    }
    return signal.aborted ? 130 : 0;
  },
});

/** Docker keeps them with each line; they do not change while a container lives, so they are put together here. */
async function detailsOf(engine: CliEngine, name: string): Promise<string> {
  const { log, labels, process } = await engine.containers.get(name);
  const names = (option: string): readonly string[] => (log.options[option] ?? "").split(",").filter(Boolean);
  const env = new Map(process.env.map((text): [string, string] => [text.split("=", 1)[0] ?? "", text]));
  const details = [
    ...names("labels").flatMap((label) => (label in labels ? [`${label}=${labels[label]}`] : [])),
    ...names("env").flatMap((variable) => env.get(variable) ?? []),
  ];
  return `${details.sort().join(",")} `;
}

function logOptions({ flags, io, signal }: Invocation<typeof logsFlags>): LogOptions {
  // Docker takes every word that is no number for all.
  const tail = /^[+-]?\d+$/.test(flags.tail ?? "") ? Number(flags.tail) : undefined;
  return {
    follow: flags.follow,
    signal,
    // Less than none is all, as docker has it.
    ...(tail !== undefined && tail >= 0 && { tail }),
    ...(flags.since !== undefined && { since: parseMoment(flags.since, io.now()) }),
    ...untilOption(flags.until, io.now()),
  };
}
