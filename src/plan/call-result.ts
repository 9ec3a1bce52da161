import { type DockerfileFile, errorText, type LintWarning, type Range } from "#dockerfile";
import type { Plan } from "./graph.ts";
import type { Outline } from "./outline.ts";
import type { PlanInvalid } from "./plan.ts";
import { listTargets } from "./targets.ts";

/** Lines of the file, as BuildKit's JSON has them: one range for each. */
interface Location {
  readonly ranges: readonly {
    readonly start: { readonly line: number };
    readonly end: { readonly line: number };
  }[];
}

/**
 * What `--call check,format=json` prints: BuildKit's lint results.
 * @see https://github.com/moby/buildkit/blob/v0.32.2/frontend/subrequests/lint/lint.go
 */
export function checkResult(
  file: DockerfileFile,
  answer: Plan | PlanInvalid,
  filename = "Dockerfile",
): object {
  const [error] = answer.kind === "invalid" ? answer.diagnostics : [];
  return {
    warnings: answer.warnings.map(warningResult),
    sources: [{ filename, language: "Dockerfile", data: base64(file.text) }],
    ...(error !== undefined && {
      buildError: { message: errorText(error), location: locationOf(error.range) },
    }),
  };
}

function warningResult({ rule, description, url, detail, range }: LintWarning): object {
  return {
    ruleName: rule,
    description,
    ...(url !== "" && { url }),
    detail,
    location: locationOf(range),
  };
}

/**
 * What `--call targets,format=json` prints.
 * @see https://github.com/moby/buildkit/blob/v0.32.2/frontend/subrequests/targets/targets.go
 */
export function targetsResult(file: DockerfileFile): object {
  const targets = listTargets(file).map(({ name, description, isDefault, base, platform, range }) => ({
    ...(name !== undefined && { name }),
    ...(isDefault && { default: true }),
    ...(description !== undefined && { description }),
    base,
    ...(platform !== undefined && { platform }),
    location: locationOf(range),
  }));
  return { targets, sources: [base64(file.text)] };
}

/**
 * What `--call outline,format=json` prints.
 * @see https://github.com/moby/buildkit/blob/v0.32.2/frontend/subrequests/outline/outline.go
 */
export function outlineResult(file: DockerfileFile, { args, secrets, ssh, ...rest }: Outline): object {
  return {
    ...rest,
    ...(args.length > 0 && {
      args: args.map(({ range, ...arg }) => ({ ...arg, location: locationOf(range) })),
    }),
    ...(secrets.length > 0 && { secrets: secrets.map(needResult) }),
    ...(ssh.length > 0 && { ssh: ssh.map(needResult) }),
    sources: [base64(file.text)],
  };
}

function needResult({ name, required, range }: Outline["secrets"][number]): object {
  return { name, ...(required && { required: true }), location: locationOf(range) };
}

function locationOf({ start, end }: Range): Location {
  const count = end.line - start.line + 1;
  const ranges = Array.from({ length: count }, (_, index) => {
    const line = start.line + index;
    return { start: { line }, end: { line } };
  });
  return { ranges };
}

function base64(text: string): string {
  return Buffer.from(text, "utf8").toString("base64");
}
