import { defineCommand } from "../command.ts";

export const sbom = defineCommand({
  name: "sbom",
  summary: "Print the packages of an image as a bill of materials",
  usage: "[OPTIONS] IMAGE",
  flags: {
    format: {
      kind: "string",
      value: "spdx|cyclonedx",
      choices: ["spdx", "cyclonedx"],
      summary: "SPDX 2.3 (default) or CycloneDX 1.6, both as JSON",
    },
  },
  arity: { min: 1, max: 1 },
  argument: "image",
  examples: [
    { command: "lighter sbom distroless/base", explains: "Print what the image is made of, as SPDX" },
    { command: "lighter sbom --format cyclonedx api", explains: "The same as CycloneDX" },
  ],
  async run({ args, flags, io, openEngine }) {
    await using engine = await openEngine();
    const format = flags.format === "cyclonedx" ? "cyclonedx" : "spdx";
    const document = await engine.recipes.sbom(args[0] ?? "", format);
    await io.stdout.write(`${JSON.stringify(document, undefined, 2)}\n`);
    return 0;
  },
});
