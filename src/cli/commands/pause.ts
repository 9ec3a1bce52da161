import { defineCommand } from "../command.ts";
import { eachContainer } from "../each-container.ts";

export const pause = defineCommand({
  name: "pause",
  summary: "Freeze every process of containers",
  usage: "CONTAINER [CONTAINER...]",
  flags: {},
  arity: { min: 1, max: Number.POSITIVE_INFINITY },
  argument: "container",
  examples: [{ command: "lighter pause web", explains: "Let a service stand still" }],
  async run({ args, io, openEngine }) {
    await using engine = await openEngine();
    return await eachContainer(args, io, async (name) => void (await engine.containers.pause(name)));
  },
});

export const unpause = defineCommand({
  name: "unpause",
  summary: "Let frozen containers go on",
  usage: "CONTAINER [CONTAINER...]",
  flags: {},
  arity: { min: 1, max: Number.POSITIVE_INFINITY },
  argument: "container",
  examples: [{ command: "lighter unpause web", explains: "Let it go on" }],
  async run({ args, io, openEngine }) {
    await using engine = await openEngine();
    return await eachContainer(args, io, async (name) => void (await engine.containers.unpause(name)));
  },
});
