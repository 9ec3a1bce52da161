import { codeFrame, type LintWarning } from "#dockerfile";
import type { Plan, PlanInvalid } from "#plan";
import { checkVerdict, type DockerfileText, invalidBlock } from "./check-report.ts";

/** What `lint` prints, with places and hints, and its status: 1 when there is anything to say. */
export function lintReport(
  file: DockerfileText,
  answer: Plan | PlanInvalid,
): { text: string; status: number } {
  const blocks = [...answer.warnings].sort(byLine).map((warning) => warningBlock(file, warning));
  if (answer.kind === "invalid") blocks.push(`${invalidBlock(file, answer)}\n`);
  return { text: `${[...blocks, checkVerdict(answer)].join("\n")}\n`, status: blocks.length === 0 ? 0 : 1 };
}

function byLine(a: LintWarning, b: LintWarning): number {
  return a.range.start.line - b.range.start.line;
}

function warningBlock(file: DockerfileText, warning: LintWarning): string {
  const url = warning.url === "" ? "" : ` - ${warning.url}`;
  const place = `${file.name}:${warning.range.start.line}`;
  const hint = warning.hint === undefined ? "" : `Hint: ${warning.hint}\n`;
  return `WARNING: ${warning.rule}${url}\n${warning.detail}\n${hint}${place}\n${codeFrame(file.text, warning.range)}\n`;
}
