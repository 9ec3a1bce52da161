import { LighterError } from "#base";
import { defineCommand } from "../command.ts";

export const search = defineCommand({
  name: "search",
  summary: "Refused: registries have no search that is theirs",
  usage: "TERM",
  flags: {},
  arity: { min: 0, max: Number.POSITIVE_INFINITY },
  examples: [{ command: "lighter search nginx", explains: "Say where to look instead" }],
  run({ args }) {
    const [term = ""] = args;
    return Promise.reject(
      new LighterError(
        "ARGUMENT_INVALID",
        `cannot search for "${term}": the distribution specification has no search, and only Docker Hub offers one, on https://hub.docker.com/search?q=${encodeURIComponent(term)}; look there`,
      ),
    );
  },
});
