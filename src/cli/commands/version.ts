import { defineCommand } from "../command.ts";
import { jsonLines, parseListFormat } from "../list-format.ts";
import { lighterVersion } from "../package-version.ts";

const flags = {
  format: { kind: "string", value: "json", summary: "Print one JSON object" },
} as const;

export const version = defineCommand({
  name: "version",
  summary: "Show the version of lighter",
  usage: "[OPTIONS]",
  flags,
  arity: { min: 0, max: 0 },
  examples: [{ command: "lighter version", explains: "Say which lighter, Node and platform this is" }],
  async run({ flags, io }) {
    const facts = {
      Version: lighterVersion(),
      Node: process.versions.node,
      Os: process.platform,
      Arch: process.arch === "x64" ? "amd64" : process.arch,
    };
    const isJson = parseListFormat(flags.format) === "json";
    await io.stdout.write(
      isJson
        ? jsonLines([facts])
        : `lighter ${facts.Version} (node ${facts.Node}, ${facts.Os}/${facts.Arch})\n`,
    );
    return 0;
  },
});
