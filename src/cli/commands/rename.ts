import { defineCommand } from "../command.ts";

export const rename = defineCommand({
  name: "rename",
  summary: "Give a container another name",
  usage: "CONTAINER NAME",
  flags: {},
  arity: { min: 2, max: 2 },
  argument: "container",
  examples: [{ command: "lighter rename brisk_barge web", explains: "Call it web from now on" }],
  async run({ args, openEngine }) {
    await using engine = await openEngine();
    // Docker shows names with a slash before them, and takes them so.
    await engine.containers.rename(args[0] ?? "", (args[1] ?? "").replace(/^\//, ""));
    return 0;
  },
});
