import { defineCommand } from "../command.ts";
import { eachContainer } from "../each-container.ts";

export const networkRm = defineCommand({
  name: "network rm",
  summary: "Remove networks that no container is on",
  usage: "[OPTIONS] NETWORK [NETWORK...]",
  flags: {
    force: { kind: "boolean", short: "f", summary: "A network that is not there is no failure" },
  },
  arity: { min: 1, max: Number.POSITIVE_INFINITY },
  argument: "network",
  examples: [{ command: "lighter network rm secure-network", explains: "Remove a network" }],
  async run({ flags, args, io, openEngine }) {
    await using engine = await openEngine();
    return await eachContainer(
      args,
      io,
      async (name) => {
        await engine.networks.remove(name);
      },
      (error) => flags.force && error.code === "NETWORK_NOT_FOUND" && "in silence",
    );
  },
});
