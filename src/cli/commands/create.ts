import { cidFile } from "../cid-file.ts";
import { defineCommand } from "../command.ts";
import {
  containerFlags,
  containerOptions,
  plannedContainerFlags,
  refusedContainerFlags,
} from "../container-flags.ts";
import { openLateDisplay } from "../progress/late.ts";
import { withImage } from "../with-image.ts";

export const create = defineCommand({
  name: "create",
  summary: "Make a container without starting it",
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  flags: containerFlags,
  arity: { min: 1, max: Number.POSITIVE_INFINITY },
  argument: "image",
  stopsAtArgument: true,
  refused: refusedContainerFlags,
  notYet: plannedContainerFlags,
  examples: [
    {
      command: "lighter create --name job -v data:/data worker",
      explains: "Make a container to be started later with lighter start job",
    },
  ],
  async run(invocation) {
    using file = cidFile(invocation.flags.cidfile);
    await using engine = await invocation.openEngine();
    const options = containerOptions(invocation);
    using display = openLateDisplay(invocation.io, invocation.flags);
    const { onProgress } = display;
    const { id } = await withImage({ ...invocation, engine }, options.image, () =>
      engine.containers.create({
        ...options,
        onProgress,
        ...(invocation.flags.interactive && { stdio: "none" }),
      }),
    );
    display[Symbol.dispose]();
    file.write(id);
    await invocation.io.stdout.write(`${id}\n`);
    return 0;
  },
});
