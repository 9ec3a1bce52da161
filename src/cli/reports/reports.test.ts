import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "#dockerfile";
import { listTargets, type Plan, type PlanInvalid, plan } from "#plan";
import { checkReport } from "./check-report.ts";
import { outlineReport, targetsReport } from "./outline-report.ts";
import { planReport } from "./plan-report.ts";

const dockerfile = `# builder makes the "program"
FROM scratch AS builder
# WORD is what it says
ARG WORD=hello
COPY a b /src/
RUN echo "$WORD"

FROM scratch
COPY --from=builder /src/a /a
`;

function planned(text: string): Plan | PlanInvalid {
  const platform = { os: "linux", architecture: "amd64" };
  const answer = plan({ parsed: parse(text), buildPlatform: platform });
  if (answer.kind === "needs") throw new Error("the sample needs a base image");
  return answer;
}

function plannedWell(text: string): Plan {
  const answer = planned(text);
  if (answer.kind === "invalid") throw new Error(answer.diagnostics[0]?.message);
  return answer;
}

test("planReport() as text: inputs before their users, the image marked", () => {
  assert.equal(
    planReport(plannedWell(dockerfile), "text"),
    `#1 [internal] load build context
#2 [builder 1/2] COPY a b /src/   <- #1
#3 [builder 2/2] RUN echo "hello"   <- #2
#4 [stage-1 1/1] COPY --from=builder /src/a /a   <- #3   (the image)
`,
  );
});

test("planReport() as JSON and DOT", () => {
  const answer = plannedWell(dockerfile);
  const json = JSON.parse(planReport(answer, "json")) as { stage: string; vertices: { id: string }[] };
  assert.deepEqual(
    json.vertices.map(({ id }) => id),
    [...answer.graph.vertices.keys()],
  );
  const dot = planReport(answer, "dot");
  assert.match(dot, /^digraph plan \{\n/);
  assert.match(dot, / {2}s3 \[label="\[builder 2\/2\] RUN echo \\"hello\\"", shape=box\];/);
  assert.match(dot, / {2}s3 -> s4;\n\}\n$/);
});

test("checkReport() names rule, place and frame, and fails for a warning", () => {
  const text = "FROM scratch AS Base\nMAINTAINER me\n";
  const { text: report, status } = checkReport({ name: "Dockerfile", text }, planned(text));
  assert.equal(status, 1);
  assert.match(
    report,
    /^WARNING: StageNameCasing - https:\/\/docs\.docker\.com\S+\nStage name 'Base' should be lowercase\nDockerfile:1\n/,
  );
  assert.match(report, /WARNING: MaintainerDeprecated/);
  assert.match(report, /\nCheck complete, 2 warnings have been found!\n$/);
  const clean = "FROM scratch\nCOPY a /\n";
  assert.deepEqual(checkReport({ name: "Dockerfile", text: clean }, planned(clean)), {
    text: "Check complete, no warnings found.\n",
    status: 0,
  });
});

test("checkReport() of a Dockerfile that cannot be built", () => {
  const text = "FROM scratch\nCOPPY a /\n";
  const { text: report, status } = checkReport({ name: "x/Dockerfile", text }, planned(text));
  assert.equal(status, 1);
  assert.match(
    report,
    /^ERROR: x\/Dockerfile:2: dockerfile parse error on line 2: unknown instruction: COPPY/,
  );
  assert.match(report, /Check failed: the Dockerfile cannot be built\.\n$/);
});

test("outlineReport() and targetsReport()", () => {
  const text = `${dockerfile}\nFROM builder AS last\n`;
  assert.equal(
    outlineReport(plannedWell(text).outline),
    `TARGET:        last

BUILD ARG   VALUE     DESCRIPTION
WORD        hello     is what it says
`,
  );
  assert.equal(
    targetsReport(listTargets(parse(text).file)),
    `TARGET           DESCRIPTION
builder          makes the "program"
last (default)
`,
  );
});
