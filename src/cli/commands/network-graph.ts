import { defineCommand } from "../command.ts";

export const networkGraph = defineCommand({
  name: "network graph",
  summary: "Show which containers are on which networks",
  usage: "[OPTIONS]",
  flags: {
    format: {
      kind: "string",
      value: "text|json|dot|svg",
      summary: "How to print: a tree, JSON, for Graphviz, or a picture",
      choices: ["text", "json", "dot", "svg"],
    },
  },
  arity: { min: 0, max: 0 },
  examples: [
    {
      command: "lighter network graph",
      explains: "Show networks, containers, addresses and published ports",
    },
    { command: "lighter network graph --format svg > networks.svg", explains: "Draw them" },
  ],
  async run({ flags, io, openEngine }) {
    await using engine = await openEngine();
    const graph = await engine.networks.graph();
    const { graphDot, graphSvg, graphText } = await import("#network");
    const form = {
      text: graphText,
      dot: graphDot,
      svg: graphSvg,
      json: (view: unknown) => `${JSON.stringify(view, undefined, 2)}\n`,
    }[flags.format ?? "text"];
    await io.stdout.write((form ?? graphText)(graph));
    return 0;
  },
});
