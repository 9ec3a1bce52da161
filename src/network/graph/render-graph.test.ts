import assert from "node:assert/strict";
import { test } from "node:test";
import type { GraphView } from "./network-graph.ts";
import { graphDot, graphSvg, graphText } from "./render-graph.ts";

const view: GraphView = {
  networks: [
    {
      name: "front",
      driver: "bridge",
      internal: false,
      subnets: ["10.1.0.0/24"],
      containers: [
        { name: "web", addresses: ["10.1.0.2"], aliases: ["www"] },
        { name: 'a"<b', addresses: ["10.1.0.3", "fd00::3"], aliases: [] },
      ],
    },
    { name: "back", driver: "bridge", internal: true, subnets: [], containers: [] },
  ],
  published: [{ container: "web", host: "0.0.0.0:8080", containerPort: 80, protocol: "tcp" }],
};

test("a tree", () => {
  assert.equal(
    graphText(view),
    `front (bridge) 10.1.0.0/24
├─ web 10.1.0.2 (also www)
└─ a"<b 10.1.0.3 fd00::3

back (bridge, internal)

published on this host
0.0.0.0:8080 -> web:80/tcp
`,
  );
  assert.equal(graphText({ networks: [], published: [] }), "No network has a container.\n");
});

test("for Graphviz, and a picture, whatever the names hold", () => {
  assert.match(graphDot(view), /"a\\"<b" -- "network front" \[label="10\.1\.0\.3 fd00::3"\];/);
  const svg = graphSvg(view);
  assert.match(svg, /^<svg xmlns/);
  assert.match(svg, />a"&lt;b {2}10\.1\.0\.3 fd00::3</);
  assert.match(svg, /stroke-dasharray/);
});
