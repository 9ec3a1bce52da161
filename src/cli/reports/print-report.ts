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

/** What a report says, and as which data. */
interface Said {
  readonly text: string;
  readonly errors?: string;
  readonly status?: number;
  /** BuildKit's form; absent: there is none. */
  readonly data?: object;
}

/** What came of a report. */
export interface Reported {
  /** The exit status. */
  readonly status: number;
  /** What `--metadata-file` tells of it, as docker's does; absent: nothing. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** Prints the report on a planned build. @throws DOCKERFILE_INVALID where a plan is needed and there is none */
export async function printReport(report: Report, planned: PlannedBuild, io: Io): Promise<Reported> {
  const { text, errors = "", status = 0, data } = said(report, planned);
  const isJson = report.format === "json" && data !== undefined;
  const printed = isJson ? `${JSON.stringify(data, undefined, 2)}\n` : text;
  if (printed !== "") await io.stdout.write(printed);
  if (errors !== "") await io.stderr.write(errors);
  if (data === undefined) return { status };
  const verdict = report.kind === "check" && { "result.statuscode": String(status) };
  return { status, metadata: { "result.json": data, ...verdict, "result.txt": text, version: "1.0.0" } };
}

function said(report: Report, { dockerfile, answer }: PlannedBuild): Said {
  const { file } = parse(dockerfile.text);
  if (report.kind === "check") {
    const data = checkResult(file, answer, dockerfile.name);
    const checked = { ...checkReport(dockerfile, answer), data };
    return report.ignoresStatus && answer.kind !== "invalid" ? { ...checked, status: 0 } : checked;
  }
  if (report.kind === "targets") return { text: targetsReport(listTargets(file)), data: targetsResult(file) };
  if (answer.kind === "invalid") throw invalidDockerfile(dockerfile.name, answer);
  if (report.kind === "plan") return { text: printPlan(answer, report.format) };
  return { text: outlineReport(answer.outline), data: outlineResult(file, answer.outline) };
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
