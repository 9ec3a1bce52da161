import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "#dockerfile";
import { listTargets, type Plan, type PlanInvalid, plan } from "#plan";
import { fakeIo } from "../testing.ts";
import { checkReport } from "./check-report.ts";
import { outlineReport, targetsReport } from "./outline-report.ts";
import { printReport } from "./print-report.ts";

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

test("checkReport() names rule, place and frame, and fails for a warning", () => {
  const text = "FROM scratch AS Base\nMAINTAINER me\n";
  const { text: report, status } = checkReport({ name: "Dockerfile", text }, planned(text));
  assert.equal(status, 1);
  assert.match(
    report,
    /^Check complete, 2 warnings have been found!\n\nWARNING: StageNameCasing - https:\/\/docs\.docker\.com\S+\nStage name 'Base' should be lowercase\nDockerfile:1\n-{20}\n   1 \| >>> FROM scratch AS Base\n   2 \|     MAINTAINER me\n   3 \|     \n-{20}\n/,
  );
  assert.match(report, /WARNING: MaintainerDeprecated/);
  const clean = "FROM scratch\nCOPY a /\n";
  assert.deepEqual(checkReport({ name: "Dockerfile", text: clean }, planned(clean)), {
    text: "Check complete, no warnings found.\n",
    errors: "",
    status: 0,
  });
});

test("checkReport() of a Dockerfile that cannot be built", () => {
  const text = "FROM scratch\nCOPPY a /\n";
  const { text: report, errors, status } = checkReport({ name: "x/Dockerfile", text }, planned(text));
  assert.deepEqual([status, report], [1, ""]);
  assert.match(
    errors,
    /^ERROR: x\/Dockerfile:2: dockerfile parse error on line 2: unknown instruction: COPPY/,
  );
  const strict = "# check=error=true\nFROM scratch AS Base\nCOPY a /\n";
  const forbidden = checkReport({ name: "Dockerfile", text: strict }, planned(strict));
  assert.match(forbidden.text, /^Check complete, 1 warning has been found!/);
  assert.match(forbidden.errors, /lint violation found for rules: StageNameCasing/);
});

test("outlineReport() and targetsReport()", () => {
  const text = `${dockerfile}\nFROM builder AS last\n`;
  assert.equal(
    outlineReport(plannedWell(text).outline),
    `TARGET: last

BUILD ARG   VALUE   DESCRIPTION
WORD        hello   is what it says

`,
  );
  assert.equal(
    targetsReport(listTargets(parse(text).file)),
    `TARGET         DESCRIPTION
builder        makes the "program"
last (default) 
`,
  );
});

test("printReport() tells what --metadata-file holds, and ignores warnings when it is told to", async () => {
  const text = "FROM scratch AS Base\nCOPY a /\n";
  const asked = { dockerfile: { name: "Dockerfile", text }, answer: planned(text), assumedBases: [] };
  for (const [ignoresStatus, expected] of [
    [false, 1],
    [true, 0],
  ] as const) {
    const io = fakeIo();
    const report = { kind: "check", format: "json", ignoresStatus } as const;
    const { status, metadata } = await printReport(report, asked, io);
    assert.equal(status, expected);
    assert.deepEqual(Object.keys(metadata ?? {}), [
      "result.json",
      "result.statuscode",
      "result.txt",
      "version",
    ]);
    assert.equal(metadata?.["result.statuscode"], String(expected));
  }
  const plan = await printReport({ kind: "plan", format: "text" }, asked, fakeIo());
  assert.deepEqual(plan, { status: 0 });
});
