import { LighterError } from "#base";
import { errorText, parse } from "#dockerfile";
import { listTargets, type PlanFormat, type PlanInvalid, printPlan } from "#plan";
import type { PlannedBuild } from "../engine-port.ts";
import type { Io } from "../io.ts";
import { checkReport } from "./check-report.ts";
import { outlineReport, targetsReport } from "./outline-report.ts";

/** What can be asked for instead of a build. */
export type Report = "check" | "outline" | "targets" | PlanFormat;

/** Prints the report on a planned build; returns the exit status. @throws DOCKERFILE_INVALID where a plan is needed and there is none */
export async function printReport(report: Report, planned: PlannedBuild, io: Io): Promise<number> {
  const { dockerfile, answer } = planned;
  if (report === "check") {
    const { text, status } = checkReport(dockerfile, answer);
    await io.stdout.write(text);
    return status;
  }
  if (report === "targets") {
    await io.stdout.write(targetsReport(listTargets(parse(dockerfile.text).file)));
    return 0;
  }
  if (answer.kind === "invalid") throw invalidDockerfile(dockerfile.name, answer);
  if (report === "outline") await io.stdout.write(outlineReport(answer.outline));
  else await io.stdout.write(printPlan(answer, report));
  return 0;
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
