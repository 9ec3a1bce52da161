import { LighterError } from "#base";
import type { StreamOptions } from "#container";
import { cidFile } from "../cid-file.ts";
import { defineCommand, type Invocation } from "../command.ts";
import {
  containerFlags,
  containerOptions,
  plannedContainerFlags,
  refusedContainerFlags,
} from "../container-flags.ts";
import { openLateDisplay } from "../progress/late.ts";
import { withImage } from "../with-image.ts";

const runFlags = {
  ...containerFlags,
  detach: { kind: "boolean", short: "d", summary: "Print the container's ID and leave it running" },
  "detach-keys": {
    kind: "string",
    value: "KEYS",
    summary: "Keys that leave it running (default ctrl-p,ctrl-q)",
  },
  "sig-proxy": { kind: "boolean", on: true, summary: "Pass signals on to the program" },
} as const;

export const run = defineCommand({
  name: "run",
  summary: "Run a program in a new container",
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  flags: runFlags,
  arity: { min: 1, max: Number.POSITIVE_INFINITY },
  argument: "image",
  stopsAtArgument: true,
  refused: refusedContainerFlags,
  notYet: plannedContainerFlags,
  examples: [
    {
      command: "lighter run --rm calculator 6 x 7",
      explains: "Run the image's program with three arguments",
    },
    { command: "lighter run --rm -it debian:bookworm bash", explains: "Look around in an image" },
    {
      command: "lighter run -d --name web -p 8080:80 web",
      explains: "Start a service, reach its port 80 at port 8080 of the host, and get the prompt back",
    },
  ],
  async run(invocation) {
    const { flags, io } = invocation;
    const options = containerOptions(invocation);
    using file = cidFile(flags.cidfile);
    if (flags.detach && flags.attach.length > 0)
      throw new LighterError(
        "ARGUMENT_INVALID",
        "conflicting options: cannot leave it running and join its streams; leave -d or -a out",
        { details: { exit: 1 } },
      );
    if (!flags.detach) checkTerminal(invocation);
    await using engine = await invocation.openEngine();
    using display = openLateDisplay(io, flags);
    const { onProgress } = display;
    return await withImage({ ...invocation, engine }, options.image, async () => {
      if (!flags.detach)
        return await engine.run({
          ...options,
          ...streamOptions(invocation),
          onProgress,
          onCreated: ({ id }) => {
            display[Symbol.dispose]();
            file.write(id);
            if (isInputOnly(flags.attach)) void io.stdout.write(`${id}\n`);
          },
        });
      // Told before it starts: what cannot start is there to be looked at.
      const onCreated = ({ id }: { readonly id: string }): void => {
        display[Symbol.dispose]();
        file.write(id);
        void io.stdout.write(`${id}\n`);
      };
      await engine.containers.runDetached({ ...options, onProgress, onCreated });
      return 0;
    });
  },
});

/** Docker prints the ID where nothing of the program is seen. */
function isInputOnly(attach: readonly string[]): boolean {
  return attach.length > 0 && attach.every((name) => name.toLowerCase() === "stdin");
}

function checkTerminal({ flags, io }: Invocation<typeof runFlags>): void {
  if (flags.tty && flags.interactive && io.stdin.isTTY !== true)
    throw new LighterError(
      "NO_TERMINAL",
      "cannot give the program a terminal: the input device is not a TTY; leave -t out",
    );
}

/** Signals are the program's: it decides what they mean, as under docker. */
function streamOptions({ flags, onSignals, signal }: Invocation<typeof runFlags>): StreamOptions {
  return {
    stdio: "inherit",
    ...(flags["sig-proxy"] ? { onSignals, signal } : { leave: signal }),
    ...(flags["detach-keys"] !== undefined && { detachKeys: flags["detach-keys"] }),
  };
}
