import { defineCommand } from "../command.ts";

export const networkResolver = defineCommand({
  name: "network resolver",
  summary: "Answer names on your networks until the last container has left (starts by itself)",
  usage: "",
  flags: {},
  arity: { min: 0, max: 0 },
  examples: [
    {
      command: "lighter network resolver",
      explains: "Run in the foreground the process that lighter starts with the first container of a network",
    },
  ],
  async run({ signal, openEngine }) {
    await using engine = await openEngine();
    await engine.networks.serveNames(signal);
    return 0;
  },
});
