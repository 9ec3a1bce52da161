import { isLighterError, LighterError, suggest } from "#base";
import { codeFrame, type ParseResult } from "#dockerfile";
import { formatReference, parseBaseReference } from "#oci";
import type { BaseRequest } from "#plan";

/** Where a Dockerfile names an image, and the name as it stands there. */
interface Use {
  readonly name: string;
  readonly range: Parameters<typeof codeFrame>[1];
}

/** What the sentences about a base need of the build. */
interface Place {
  readonly parsed: ParseResult;
  readonly dockerfilePath: string;
}

/** The sentence for an image that no source has: the line that names it, where it was looked for, the stage it may mean. */
export function baseNotFound(base: BaseRequest, build: Place & { readonly sources: string }): LighterError {
  const name = formatReference(base.reference);
  const use = findUse(name, build.parsed);
  return new LighterError(
    "BASE_NOT_FOUND",
    `failed to resolve source metadata for ${name}: ${name}: not found; looked in ${build.sources}; ${helpFor(use, build.parsed)}`,
    { details: { reference: name, ...frameOf(use, build) } },
  );
}

/** What went wrong while a base was got, with the line that names the base. */
export function baseFailure(error: unknown, base: BaseRequest, build: Place): unknown {
  if (!isLighterError(error) || error.code === "CANCELLED" || error.details["frame"] !== undefined)
    return error;
  const frame = frameOf(findUse(formatReference(base.reference), build.parsed), build);
  return new LighterError(error.code, error.message, {
    details: { ...error.details, ...frame },
    cause: error,
  });
}

function frameOf(
  use: Use | undefined,
  { parsed, dockerfilePath }: Place,
): { readonly line?: number; readonly frame?: string } {
  if (use === undefined) return {};
  const { line } = use.range.start;
  return { line, frame: `${dockerfilePath}:${line}\n${codeFrame(parsed.file.text, use.range)}` };
}

function helpFor(use: Use | undefined, { file }: ParseResult): string {
  const stages = file.stages.flatMap(({ from }) => from.name ?? []);
  const near = use === undefined ? undefined : suggest(use.name, stages, false);
  return near === undefined
    ? "check the name, or bring the image with lighter load"
    : `did you mean the stage ${near}?`;
}

function findUse(name: string, parsed: ParseResult): Use | undefined {
  return uses(parsed).find((one) => isSame(one.name, name));
}

/** Everything that names an image: FROM, `--from` of COPY, `from` of a mount. */
function uses({ file }: ParseResult): readonly Use[] {
  return file.stages.flatMap(({ from, instructions }) => [
    { name: from.image, range: from.range },
    ...instructions.flatMap((instruction): readonly Use[] => {
      const { range } = instruction;
      if (instruction.kind === "COPY")
        return instruction.from === undefined ? [] : [{ name: instruction.from, range }];
      if (instruction.kind === "RUN")
        return instruction.mounts.flatMap((mount) =>
          mount.from === undefined ? [] : [{ name: mount.from, range }],
        );
      return [];
    }),
  ]);
}

/** A name that holds a variable is nobody's. */
function isSame(written: string, name: string): boolean {
  try {
    return formatReference(parseBaseReference(written)) === name;
  } catch {
    return false;
  }
}
