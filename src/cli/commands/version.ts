import { defineCommand } from "../command.ts";

/** Of docker 28, whose words lighter speaks. */
const apiVersion = "1.51";

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
      const [{ printObject }, { release }] = [
        await import("../format/print-objects.ts"),
        await import("node:os"),
      ];
      await io.stdout.write(printObject(objectOf(facts, release()), flags.format));
      return 0;
    }
    const text = `lighter ${Version} (node ${Node}, ${Os}/${Arch})`;
    await io.stdout.write(`${text}\n`);
    return 0;
  },
});

/** By docker's names. There is no daemon: client and server are this program. */
function objectOf(facts: { readonly Os: string; readonly Arch: string }, kernel: string) {
  const half = { ...facts, ApiVersion: apiVersion };
  return {
    ...facts,
    Client: { ...half, DefaultAPIVersion: apiVersion, Context: "default" },
    Server: {
      Platform: { Name: "lighter" },
      ...half,
      MinAPIVersion: "1.24",
      KernelVersion: kernel,
      Experimental: false,
    },
  };
}
