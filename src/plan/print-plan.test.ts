import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "#dockerfile";
import { type Plan, plan, printPlan } from "./index.ts";

const text = `FROM scratch AS build
COPY go.mod "a\\"b" /src/
RUN --mount=type=cache,target=/c <<EOF
echo one
EOF
FROM scratch
COPY --from=build /x /y
`;

function planned(dockerfile: string): Plan {
  const answer = plan({ parsed: parse(dockerfile), buildPlatform: { os: "linux", architecture: "amd64" } });
  assert.ok(answer.kind === "plan");
  return answer;
}

test("a plan as text", () => {
  assert.equal(
    printPlan(planned(text), "text"),
    `plan for stage 1 on linux/amd64

#1 [internal] load build context
   only "a\\"b", go.mod
#2 [build 1/2] COPY go.mod a"b /src/  after #1
   copy /go.mod to /src/
   copy /"a\\"b" to /src/
#3 [build 2/2] RUN --mount=type=cache,target=/c <<EOF (echo one)  after #2
   run ["/bin/sh","-c","echo one\\n"] in /
   mount cache //c at /c
#4 [stage-1 1/1] COPY --from=build /x /y  after #3
   copy /x to /y

result: #4
`.replaceAll('"a\\"b"', 'a"b'),
  );
});

test("a plan as JSON can be read again", () => {
  const read = JSON.parse(printPlan(planned(text), "json")) as {
    vertices: { name: string; inputs: unknown[] }[];
  };
  assert.deepEqual(
    read.vertices.map(({ name }) => name.split("]")[0]),
    ["[internal", "[build 1/2", "[build 2/2", "[stage-1 1/1"],
  );
});

test("a plan for Graphviz", () => {
  assert.equal(
    printPlan(planned("FROM scratch AS a\nCOPY x /\nFROM scratch\nCOPY --from=a / /"), "dot"),
    `digraph plan {
  rankdir=TB;
  node [shape=box, fontname="monospace"];
  v1 [label="[internal] load build context"];
  subgraph cluster_1 {
    label="a";
    v2 [label="[a 1/1] COPY x /"];
  }
  subgraph cluster_2 {
    label="stage-1";
    v3 [label="[stage-1 1/1] COPY --from=a / /"];
  }
  v1 -> v2;
  v2 -> v3;
}
`,
  );
});

test("control characters do not reach a terminal", () => {
  const printed = printPlan(planned("FROM scratch\nCOPY \u001b[31mx /\n"), "text");
  assert.ok(!printed.includes("\u001b"));
});
