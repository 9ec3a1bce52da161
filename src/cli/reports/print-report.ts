import { LighterError } from "#base";
import { errorText, parse } from "#dockerfile";
import {
  checkResult,
  listTargets,
  outlineResult,
  type PlanFormat,
  type PlanInvalid,
  printPlan,
  targetsResult,
} from "#plan";
import type { PlannedBuild } from "../engine-port.ts";
import type { Io } from "../io.ts";
import { checkReport } from "./check-report.ts";
import { outlineReport, targetsReport } from "./outline-report.ts";

/** What can be asked for instead of a build. */
export type Report =
  | {
      readonly kind: "check" | "outline" | "targets";
      readonly format: "text" | "json";
      /** Warnings of a check do not make the status 1. */
      readonly ignoresStatus: boolean;
    }
  | { readonly kind: "plan"; readonly format: PlanFormat };

/** Prints the report on a planned build; returns the exit status. @throws DOCKERFILE_INVALID where a plan is needed and there is none */
export async function printReport(report: Report, planned: PlannedBuild, io: Io): Promise<number> {
  const { text, errors = "", status = 0 } = reportText(report, planned);
  if (text !== "") await io.stdout.write(text);
  if (errors !== "") await io.stderr.write(errors);
  return status;
}

function reportText(
  report: Report,
  planned: PlannedBuild,
): { text: string; errors?: string; status?: number } {
  const { dockerfile, answer } = planned;
  const { file } = parse(dockerfile.text);
  const isJson = report.format === "json";
  if (report.kind === "check") {
    const said = checkReport(dockerfile, answer);
    const form = isJson ? { ...said, text: jsonText(checkResult(file, answer, dockerfile.name)) } : said;
    return report.ignoresStatus && answer.kind !== "invalid" ? { ...form, status: 0 } : form;
  }
  if (report.kind === "targets")
    return { text: isJson ? jsonText(targetsResult(file)) : targetsReport(listTargets(file)) };
  if (answer.kind === "invalid") throw invalidDockerfile(dockerfile.name, answer);
  if (report.kind === "plan") return { text: printPlan(answer, report.format) };
  return { text: isJson ? jsonText(outlineResult(file, answer.outline)) : outlineReport(answer.outline) };
}

function jsonText(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function invalidDockerfile(name: string, { diagnostics }: PlanInvalid): LighterError {
  const [first] = diagnostics;
  if (first === undefined) return new LighterError("INTERNAL", `cannot plan ${name}: no reason was given`);
  const hint = first.hint === undefined ? "" : `; ${first.hint}`;
  return new LighterError(
    "DOCKERFILE_INVALID",
    `cannot plan ${name}:${first.line}: ${errorText(first)}${hint}`,
    {
      details: { frame: first.frame },
    },
  );
}
