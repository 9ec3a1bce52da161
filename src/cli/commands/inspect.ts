import { isLighterError } from "#base";
import { defineCommand, type Invocation } from "../command.ts";
import { inspectObject } from "../inspect-object.ts";

const inspectFlags = {
  format: { kind: "string", short: "f", value: "json", summary: "Print without line breaks" },
} as const;

export const inspect = defineCommand({
  name: "inspect",
  summary: "Show everything that is known of images, as JSON",
  usage: "[OPTIONS] NAME|ID [NAME|ID...]",
  flags: inspectFlags,
  arity: { min: 1, max: Number.POSITIVE_INFINITY },
  argument: "image",
  notYet: ["size", "-s", "type"],
  examples: [
    {
      command: "lighter inspect calculator",
      explains: "Print the configuration, layers and origin of an image",
    },
  ],
  run: inspectImages,
});

export const imageInspect = defineCommand({
  ...inspect,
  name: "image inspect",
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  notYet: ["platform"],
  examples: [
    {
      command: "lighter image inspect calculator",
      explains: "Print the configuration, layers and origin of an image",
    },
  ],
});

async function inspectImages({
  flags,
  args,
  io,
  openEngine,
}: Invocation<typeof inspectFlags>): Promise<number> {
  const isCompact = (await import("../list-format.ts")).parseListFormat(flags.format ?? "table") === "json";
  await using engine = await openEngine();
  const objects: unknown[] = [];
  let status = 0;
  for (const name of args) {
    try {
      objects.push(inspectObject(engine.images.get(name)));
    } catch (error) {
      if (!isLighterError(error, "IMAGE_NOT_FOUND", "IMAGE_AMBIGUOUS", "REFERENCE_INVALID")) throw error;
      await io.stderr.write(`lighter: ${error.message}\n`);
      status = 1;
    }
  }
  await io.stdout.write(`${JSON.stringify(objects, undefined, isCompact ? undefined : 4)}\n`);
  return status;
}
