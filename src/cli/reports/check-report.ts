import { errorText, type LintWarning } from "#dockerfile";
import type { Plan, PlanInvalid } from "#plan";

/** A Dockerfile as it was read. */
export interface DockerfileText {
  /** As messages name it: `Dockerfile`. */
  readonly name: string;
  readonly text: string;
}

/** What `--check` prints, in buildx's form, and its status: 1 when there is anything to say. Errors are for another stream. */
export function checkReport(
  file: DockerfileText,
  answer: Plan | PlanInvalid,
): { text: string; errors: string; status: number } {
  const blocks = [...answer.warnings].sort(byLine).map((warning) => warningBlock(file, warning));
  const isInvalid = answer.kind === "invalid";
  const text = `${[countedWarnings(blocks.length), ...blocks].join("\n\n")}\n`;
  return {
    text: isInvalid && !isForbiddenWarning(answer) ? "" : text,
    errors: isInvalid ? `${invalidBlock(file, answer)}\n` : "",
    status: isInvalid || blocks.length > 0 ? 1 : 0,
  };
}

/** The file can be built but for `# check=error=true`. */
function isForbiddenWarning({ diagnostics }: PlanInvalid): boolean {
  return diagnostics.every((one) => errorText(one).startsWith("lint violation found"));
}

/** The sum of a check, in buildx's words. */
export function checkVerdict(answer: Plan | PlanInvalid): string {
  if (answer.kind === "invalid") return "Check failed: the Dockerfile cannot be built.";
  return countedWarnings(answer.warnings.length);
}

function countedWarnings(count: number): string {
  if (count === 0) return "Check complete, no warnings found.";
  return `Check complete, ${count} warning${count === 1 ? " has" : "s have"} been found!`;
}

function byLine(a: LintWarning, b: LintWarning): number {
  return a.range.start.line - b.range.start.line;
}

function warningBlock(file: DockerfileText, { rule, url, detail, range }: LintWarning): string {
  const head = `WARNING: ${rule}${url === "" ? "" : ` - ${url}`}`;
  const { start, end } = range;
  return [head, detail, `${file.name}:${start.line}`, sourceFrame(file.text, start.line, end.line)].join(
    "\n",
  );
}

const rule = "-".repeat(20);

/** The lines around a place, as BuildKit shows them. */
function sourceFrame(text: string, first: number, last: number): string {
  const lines = text.split("\n");
  const [from, to] = widened(first, Math.min(last, lines.length), lines.length);
  const shown = lines.slice(from - 1, to).map((line, at) => {
    const number = from + at;
    const mark = number >= first && number <= last ? ">>>" : "   ";
    return ` ${String(number).padStart(3)} | ${mark} ${line}`;
  });
  return [rule, ...shown, rule].join("\n");
}

/** Lines on either side, as many as there are: more around a single one. @see https://github.com/moby/buildkit/blob/v0.32.2/solver/errdefs/source.go */
function widened(first: number, last: number, count: number): readonly [number, number] {
  const wanted = first === last ? 4 : 2;
  let [from, to] = [first, last];
  for (let added = 0; added < wanted; added += 1) {
    if (from > 1) {
      from -= 1;
      added += 1;
    }
    if (to !== count) {
      to += 1;
      added += 1;
    }
  }
  return [from, to];
}

/** What makes a Dockerfile impossible to build, with places and hints. */
export function invalidBlock(file: DockerfileText, answer: PlanInvalid): string {
  return answer.diagnostics
    .map((one) => {
      const hint = one.hint === undefined ? "" : `; ${one.hint}`;
      return `ERROR: ${file.name}:${one.line}: ${errorText(one)}${hint}\n${one.frame}`;
    })
    .join("\n\n");
}
