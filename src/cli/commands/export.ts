import { LighterError } from "#base";
import { defineCommand } from "../command.ts";

export const exportCommand = defineCommand({
  name: "export",
  summary: "Write the files of a container as a tar archive",
  usage: "[OPTIONS] CONTAINER",
  flags: {
    output: { kind: "string", short: "o", value: "FILE", summary: "Write there instead of to the output" },
  },
  arity: { min: 1, max: 1 },
  argument: "container",
  examples: [
    {
      command: "lighter export -o web.tar web",
      explains: "Keep what a container's root holds, without volumes",
    },
  ],
  async run({ flags, args, io, openEngine }) {
    if (flags.output === undefined && io.stdout.isTerminal)
      throw new LighterError("ARGUMENT_INVALID", "cannot export to a terminal: use -o FILE or a pipe");
    const { closeSync, openSync, writeSync } = await import("node:fs");
    await using engine = await openEngine();
    const fd = flags.output === undefined ? undefined : openSync(flags.output, "w", 0o600);
    try {
      await engine.containers.export(args[0] ?? "", async (chunk) => {
        if (fd === undefined) await io.stdout.write(Buffer.from(chunk));
        else for (let rest = chunk; rest.length > 0; ) rest = rest.subarray(writeSync(fd, rest));
      });
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
    return 0;
  },
});
