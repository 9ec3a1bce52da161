import { defineCommand } from "../command.ts";

const versionFlags = {
  format: { kind: "string", short: "f", value: "json|TEMPLATE", summary: "How to print" },
} as const;

// The quickest command there is, and the measure of how quickly all of them start: it imports next to nothing.
export const version = defineCommand({
  name: "version",
  summary: "Show the version of lighter",
  usage: "[OPTIONS]",
  flags: versionFlags,
  arity: { min: 0, max: 0 },
  examples: [{ command: "lighter version", explains: "Say which lighter, Node and platform this is" }],
  async run({ flags, io }) {
    const facts = {
      Version: LIGHTER_VERSION,
      Node: process.versions.node,
      Os: process.platform,
      Arch: process.arch === "x64" ? "amd64" : process.arch,
    };
    const { Version, Node, Os, Arch } = facts;
    if (flags.format !== undefined) {
      const half = { ...facts, ApiVersion: "1.51" };
      // There is no daemon: client and server are this program.
      const object = { ...facts, Client: half, Server: half };
      const { compileTemplate } = await import("../format/template.ts");
      const printed =
        flags.format === "json" ? JSON.stringify(object) : compileTemplate(flags.format)(object);
      await io.stdout.write(`${printed}\n`);
      return 0;
    }
    const text = `lighter ${Version} (node ${Node}, ${Os}/${Arch})`;
    await io.stdout.write(`${text}\n`);
    return 0;
  },
});
