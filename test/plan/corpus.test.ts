import { describe, test } from "node:test";
import { errorText, type LintWarning, parse, type Range } from "#dockerfile";
import {
  finishImage,
  outlineResult,
  type Plan,
  type PlanAnswer,
  type PlanRequest,
  targetsResult,
} from "#plan";
import {
  type Finding,
  linux,
  missing,
  planFully,
  type Row,
  readRows,
  Score,
} from "../support/frontend-corpus.ts";

describe("corpora", { skip: missing }, () => {
  test("frontend", () => {
    const rows = readRows();
    const score = new Score("frontend");
    for (const row of rows) checkRow(row, score);
    score.report();
  });
});

function checkRow(row: Row, score: Score): void {
  const parsed = parse(Buffer.from(row.dockerfile, row.encoding));
  const request = { parsed, buildArgs: row.buildArgs, buildPlatform: linux };
  const { expected, name } = row;
  checkLint(row, request, score);
  const answer = planFully({ ...request, checks: false });
  if (expected.targets !== undefined)
    score.equal("targets", name, withoutSources(targetsResult(parsed.file)), { targets: expected.targets });
  if (expected.convertError !== undefined) {
    score.equal("errors", name, errorOf(answer), expected.convertError);
    return;
  }
  if (answer.kind !== "plan") {
    score.equal("config", name, errorOf(answer), "a plan");
    return;
  }
  if (expected.image !== undefined) score.equal("config", name, imageJson(answer), expected.image);
  if (expected.outline !== undefined)
    score.equal(
      "outline",
      name,
      sortLines(withoutSources(outlineResult(parsed.file, answer.outline))),
      sortLines(expected.outline),
    );
}

function checkLint(row: Row, request: PlanRequest, score: Score): void {
  const { expected, name } = row;
  const answer = planFully({ ...request, allStages: true });
  const findings = answer.kind === "needs" ? [] : answer.warnings.map(finding);
  const wanted = { findings: expected.lint ?? [], error: expected.lintError };
  const got = { findings, error: answer.kind === "plan" ? undefined : errorOf(answer) };
  score.equal("lint", name, got, wanted);
}

function finding({ rule, detail, range }: LintWarning): Finding {
  return { Rule: rule, Detail: detail, Line: lines(range).flatMap((line) => [line, line]) };
}

function lines({ start, end }: Range): number[] {
  return Array.from({ length: end.line - start.line + 1 }, (_, index) => start.line + index);
}

function errorOf(answer: PlanAnswer): string {
  if (answer.kind !== "invalid") return answer.kind;
  const [first] = answer.diagnostics;
  return first === undefined ? "no diagnostic" : errorText(first);
}

/** The result of a call without the text of the file, which the corpus leaves out. */
function withoutSources({ sources: _sources, ...rest }: { sources?: unknown }): object {
  return rest;
}

/** The reference builder leaves the order within a line to chance. */
function sortLines(outline: object): object {
  const { args } = outline as {
    args?: readonly { name: string; location: { ranges: readonly { start: { line: number } }[] } }[];
  };
  if (args === undefined) return outline;
  const line = (arg: (typeof args)[number]): number => arg.location.ranges[0]?.start.line ?? 0;
  return { ...outline, args: args.toSorted((a, b) => line(a) - line(b) || (a.name < b.name ? -1 : 1)) };
}

/** The reference builder was asked before anything was built: it knew the layers of the base only. */
function imageJson({ image }: Plan): object {
  const base = image.config.rootfs.diff_ids;
  const built = image.history.flatMap(({ layer }) => layer ?? []);
  const {
    created: _,
    history = [],
    ...config
  } = finishImage(image, { diffIds: [...base, ...built], created: "" });
  const entries = history.map(({ created: _created, ...entry }) => entry);
  const rootfs = { ...config.rootfs, diff_ids: base.length > 0 ? base : null };
  return compact({ ...config, rootfs, history: entries.length > 0 ? entries : undefined });
}

function compact(value: object): object {
  return JSON.parse(JSON.stringify(value)) as object;
}
