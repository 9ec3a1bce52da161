import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "#dockerfile";
import { checkResult, type Plan, type PlanInvalid, plan } from "./index.ts";

function checked(text: string): object {
  const { file, diagnostics } = parse(text);
  const linux = { os: "linux", architecture: "amd64" };
  const answer = plan({
    parsed: { file, diagnostics },
    buildPlatform: linux,
    allStages: true,
    unresolvedBases: "assume",
  });
  assert.notEqual(answer.kind, "needs");
  return checkResult(file, answer as Plan | PlanInvalid);
}

test("the result of a check, as JSON has it", () => {
  const text = "FROM a\nCMD x \\\n y\nNONSENSE\n";
  const line = (number: number): object => ({ start: { line: number }, end: { line: number } });
  assert.deepEqual(checked(text.replace("NONSENSE\n", "")), {
    warnings: [
      {
        ruleName: "JSONArgsRecommended",
        description:
          "JSON arguments recommended for ENTRYPOINT/CMD to prevent unintended behavior related to OS signals",
        url: "https://docs.docker.com/go/dockerfile/rule/json-args-recommended/",
        detail: "JSON arguments recommended for CMD to prevent unintended behavior related to OS signals",
        location: { ranges: [line(2), line(3)] },
      },
    ],
    sources: [
      {
        filename: "Dockerfile",
        language: "Dockerfile",
        data: Buffer.from(text.replace("NONSENSE\n", "")).toString("base64"),
      },
    ],
  });
  assert.deepEqual(checked(text), {
    warnings: [],
    sources: [{ filename: "Dockerfile", language: "Dockerfile", data: Buffer.from(text).toString("base64") }],
    buildError: {
      message: "dockerfile parse error on line 4: unknown instruction: NONSENSE",
      location: { ranges: [line(4)] },
    },
  });
});
