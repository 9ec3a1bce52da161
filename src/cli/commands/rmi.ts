import { isLighterError } from "#base";
import { defineCommand, type Invocation } from "../command.ts";
import { familiarName } from "../image-words.ts";

const rmiFlags = {
  force: {
    kind: "boolean",
    short: "f",
    summary: "Remove an image by ID though it has several names; absent ones are no failure",
  },
  "no-prune": {
    kind: "boolean",
    summary: "Keep untagged parents: taken for docker's sake, for images have none here",
  },
} as const;

export const rmi = defineCommand({
  name: "rmi",
  summary: "Remove images: a name, and the image with its last name",
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  flags: rmiFlags,
  arity: { min: 1, max: Number.POSITIVE_INFINITY },
  argument: "image",
  notYet: ["platform"],
  examples: [
    { command: "lighter rmi calculator", explains: "Remove the name, and what only this image used" },
    { command: "lighter rmi -f $(lighter images -q)", explains: "Remove every image" },
  ],
  run: removeImages,
});

export const imageRm = defineCommand({ ...rmi, name: "image rm" });

async function removeImages({ flags, args, io, openEngine }: Invocation<typeof rmiFlags>): Promise<number> {
  await using engine = await openEngine();
  let status = 0;
  for (const name of args) {
    try {
      const { untagged, deleted } = await engine.images.remove(name, { force: flags.force });
      const lines = [
        ...untagged.map((full) => `Untagged: ${familiarName(full)}\n`),
        ...deleted.map((digest) => `Deleted: ${digest}\n`),
      ];
      await io.stdout.write(lines.join(""));
    } catch (error) {
      if (!isLighterError(error)) throw error;
      await io.stderr.write(`lighter: ${error.message}\n`);
      if (!flags.force || error.code !== "IMAGE_NOT_FOUND") status = error.kind.exit;
    }
  }
  return status;
}
