import { defineCommand } from "../command.ts";
import { eachContainer } from "../each-container.ts";

export const wait = defineCommand({
  name: "wait",
  summary: "Wait until containers end and print their statuses",
  usage: "CONTAINER [CONTAINER...]",
  flags: {},
  arity: { min: 1, max: Number.POSITIVE_INFINITY },
  argument: "container",
  examples: [{ command: "lighter wait job", explains: "Print 0 when the job ended well" }],
  async run({ args, io, openEngine }) {
    await using engine = await openEngine();
    return await eachContainer(args, io, async (name) => String(await engine.containers.wait(name)));
  },
});
