import { defineCommand } from "../command.ts";

export const tag = defineCommand({
  name: "tag",
  summary: "Give an image one more name",
  usage: "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
  flags: {},
  arity: { min: 2, max: 2 },
  argument: "image",
  examples: [
    { command: "lighter tag calculator calculator:v1", explains: "Keep this state of the image under v1" },
  ],
  async run({ args, openEngine }) {
    await using engine = await openEngine();
    engine.images.tag(args[0] ?? "", args[1] ?? "");
    return 0;
  },
});

export const imageTag = defineCommand({ ...tag, name: "image tag" });
