import { defineCommand } from "../command.ts";

export const commit = defineCommand({
  name: "commit",
  summary: "Make an image of what a container changed",
  usage: "[OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
  flags: {
    author: { kind: "string", short: "a", value: "NAME", summary: "Who made it" },
    change: {
      kind: "list",
      short: "c",
      value: "INSTRUCTION",
      summary: "Apply an instruction of a Dockerfile, as 'CMD [\"serve\"]'",
    },
    message: { kind: "string", short: "m", value: "TEXT", summary: "What was done" },
    pause: { kind: "boolean", short: "p", on: true, summary: "Let the container stand still meanwhile" },
  },
  arity: { min: 1, max: 2 },
  argument: "container",
  examples: [
    { command: "lighter commit web web:patched", explains: "Keep what was changed by hand as an image" },
  ],
  async run({ flags, args, io, openEngine }) {
    await using engine = await openEngine();
    const image = await engine.containers.commit(args[0] ?? "", {
      noPause: !flags.pause,
      changes: flags.change,
      ...(args[1] !== undefined && { name: args[1] }),
      ...(flags.author !== undefined && { author: flags.author }),
      ...(flags.message !== undefined && { comment: flags.message }),
    });
    await io.stdout.write(`${image.id}\n`);
    return 0;
  },
});
