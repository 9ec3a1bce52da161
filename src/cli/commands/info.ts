import { formatBytes } from "#base";
import { defineCommand } from "../command.ts";
import { formatFlag, jsonLines, parseListFormat } from "../list-format.ts";

const infoFlags = { ...formatFlag } as const;

export const info = defineCommand({
  name: "info",
  summary: "Show where the store is and what it holds",
  usage: "[OPTIONS]",
  flags: infoFlags,
  arity: { min: 0, max: 0 },
  examples: [{ command: "lighter info", explains: "Say which store is used and how many images it holds" }],
  async run({ flags, io, openEngine }) {
    const isJson = parseListFormat(flags.format) === "json";
    await using engine = await openEngine();
    const images = engine.images.list();
    const sizeBytes = images.reduce((sum, image) => sum + image.sizeBytes, 0);
    const facts = {
      Version: LIGHTER_VERSION,
      Root: engine.root,
      Images: images.length,
      ImageBytes: sizeBytes,
      Node: process.versions.node,
      Processors: (await import("node:os")).availableParallelism(),
    };
    await io.stdout.write(
      isJson
        ? jsonLines([facts])
        : `lighter:     ${facts.Version}
root:        ${facts.Root}
images:      ${facts.Images} (${formatBytes(sizeBytes)} before layers that they share)
node:        ${facts.Node}
processors:  ${facts.Processors}
`,
    );
    return 0;
  },
});
