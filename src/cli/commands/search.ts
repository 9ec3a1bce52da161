import { LighterError } from "#base";
import { defineCommand } from "../command.ts";

export const search = defineCommand({
  name: "search",
  summary: "Refused: registries have no search that is theirs",
  usage: "TERM",
  // docker's, so that whoever gives them is told what matters.
  flags: {
    filter: { kind: "list", short: "f", value: "FILTER", summary: "Not looked at" },
    format: { kind: "string", value: "TEMPLATE", summary: "Not looked at" },
    limit: { kind: "string", value: "N", summary: "Not looked at" },
    "no-trunc": { kind: "boolean", summary: "Not looked at" },
  },
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
