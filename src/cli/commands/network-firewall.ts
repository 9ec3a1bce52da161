import { defineCommand } from "../command.ts";

export const networkFirewall = defineCommand({
  name: "network firewall",
  summary: "Print the firewall table as the kernel has it, a comment for every rule",
  usage: "",
  flags: {},
  arity: { min: 0, max: 0 },
  examples: [
    { command: "lighter network firewall", explains: "See what lets packets through and what drops them" },
  ],
  async run({ io, openEngine }) {
    await using engine = await openEngine();
    const text = await engine.networks.firewall();
    if (text === "") await io.stderr.write("lighter: no rules: no bridge network has a container\n");
    await io.stdout.write(text);
    return 0;
  },
});
