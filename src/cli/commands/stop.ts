import { defineCommand } from "../command.ts";
import { eachContainer } from "../each-container.ts";

const stopFlags = {
  signal: {
    kind: "string",
    short: "s",
    value: "SIGNAL",
    summary: "Send this instead of the container's stop signal",
  },
  timeout: { kind: "integer", short: "t", value: "SECONDS", summary: "Kill after this time; -1 never" },
  time: { kind: "integer", value: "SECONDS", summary: "The same as --timeout, docker's old name" },
} as const;

interface StopFlags {
  readonly signal: string | undefined;
  readonly timeout: number | undefined;
  readonly time: number | undefined;
}

function stopOptions({ signal, timeout, time }: StopFlags) {
  const timeoutSeconds = timeout ?? time;
  return { ...(signal !== undefined && { signal }), ...(timeoutSeconds !== undefined && { timeoutSeconds }) };
}

export const stop = defineCommand({
  name: "stop",
  summary: "Ask containers to end, and kill those that do not",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  flags: stopFlags,
  arity: { min: 1, max: Number.POSITIVE_INFINITY },
  argument: "container",
  examples: [{ command: "lighter stop -t 30 web", explains: "Give a service half a minute to end" }],
  async run({ flags, args, io, openEngine }) {
    await using engine = await openEngine();
    const { containers } = engine;
    return await eachContainer(
      args,
      io,
      async (name) => void (await containers.stop(name, stopOptions(flags))),
    );
  },
});

export const restart = defineCommand({
  name: "restart",
  summary: "Stop containers and start them again",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  flags: stopFlags,
  arity: { min: 1, max: Number.POSITIVE_INFINITY },
  argument: "container",
  examples: [{ command: "lighter restart web", explains: "Let a service read its configuration again" }],
  async run({ flags, args, io, openEngine }) {
    await using engine = await openEngine();
    const { containers } = engine;
    return await eachContainer(
      args,
      io,
      async (name) => void (await containers.restart(name, stopOptions(flags))),
    );
  },
});
