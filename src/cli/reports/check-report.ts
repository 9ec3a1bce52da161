import { codeFrame, errorText, type LintWarning } from "#dockerfile";
import type { Plan, PlanInvalid } from "#plan";

/** A Dockerfile as it was read. */
export interface DockerfileText {
  /** As messages name it: `Dockerfile`. */
  readonly name: string;
  readonly text: string;
}

/** What `--check` prints, in buildx's form, and its status: 1 when there is anything to say. */
export function checkReport(
  file: DockerfileText,
  answer: Plan | PlanInvalid,
): { text: string; status: number } {
  const blocks = [...answer.warnings].sort(byLine).map((warning) => warningBlock(file, warning));
  if (answer.kind === "invalid") blocks.push(invalidBlock(file, answer));
  const count = answer.warnings.length;
  const verdict =
    answer.kind === "invalid"
      ? "Check failed: the Dockerfile cannot be built."
      : count === 0
        ? "Check complete, no warnings found."
        : `Check complete, ${count} warning${count === 1 ? " has" : "s have"} been found!`;
  return { text: `${[...blocks, verdict].join("\n")}\n`, status: blocks.length === 0 ? 0 : 1 };
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

function invalidBlock(file: DockerfileText, answer: PlanInvalid): string {
  return answer.diagnostics
    .map((one) => {
      const hint = one.hint === undefined ? "" : `; ${one.hint}`;
      return `ERROR: ${file.name}:${one.line}: ${errorText(one)}${hint}\n${one.frame}\n`;
    })
    .join("\n");
}
