import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { errorMessage } from "#base";
import { defineCommand, type Invocation } from "../command.ts";
import { readDockerfileText } from "../dockerfile-text.ts";
import type { CliEngine } from "../engine-port.ts";

const lintFlags = {
  fix: { kind: "boolean", summary: "Mend what can be mended without guessing, and write the file back" },
  format: { kind: "string", choices: ["text", "json"], summary: "How to print what is found (default text)" },
} as const;

export const lint = defineCommand({
  name: "lint",
  summary: "Find what is wrong with a Dockerfile, or could be smaller, safer or faster; build nothing",
  usage: "[OPTIONS] [FILE|DIRECTORY]",
  flags: lintFlags,
  arity: { min: 0, max: 1 },
  argument: "file",
  examples: [
    {
      command: "lighter lint",
      explains: "Check the Dockerfile of this directory: BuildKit's rules and lighter's",
    },
    { command: "lighter lint --fix web/Dockerfile", explains: "Mend what can be mended" },
    {
      command: "lighter lint --format json . >lint.json",
      explains: "As JSON, in the form of docker build --call check",
    },
  ],
  run: lintFile,
});

async function lintFile({ flags, args, io, openEngine }: Invocation<typeof lintFlags>): Promise<number> {
  const path = dockerfilePath(args[0] ?? ".");
  const text = readDockerfileText(path);
  const { fixAll, lintText } = await import("../reports/lint-text.ts");
  const ignoreFile = findText([`${path}.dockerignore`, join(path, "../.dockerignore")]);
  const fixed = flags.fix
    ? await withDigests({ io, openEngine }, (findDigest) => fixAll(text, { ignoreFile, findDigest }))
    : { text, count: 0 };
  if (fixed.text !== text) writeFileSync(path, fixed.text);
  const { file, answer } = lintText(fixed.text, { ignoreFile });
  if (flags.format === "json") {
    const { checkResult } = await import("#plan");
    await io.stdout.write(`${JSON.stringify(checkResult(file, answer, path), undefined, 2)}\n`);
  }
  const { lintReport } = await import("../reports/lint-report.ts");
  const report = lintReport({ name: path, text: file.text }, answer);
  const mended = fixed.count === 0 ? "" : `Mended ${fixed.count} of what was found.\n`;
  if (flags.format !== "json") await io.stdout.write(mended + report.text);
  return report.status;
}

type FindDigest = (image: string) => string | undefined;

/** The store is opened only for a file with unpinned bases; one that cannot be opened leaves them as they are, and says so. */
async function withDigests<T>(
  { io, openEngine }: Pick<Invocation<typeof lintFlags>, "io" | "openEngine">,
  step: (findDigest: FindDigest) => T,
): Promise<T> {
  const asked = new Set<string>();
  const answer = step((image) => void asked.add(image));
  if (asked.size === 0) return answer;
  try {
    await using engine = await openEngine();
    return step((image) => digestOf(engine.images.find(image)));
  } catch (error) {
    await io.stderr.write(`note: bases are not pinned: ${errorMessage(error)}\n`);
    return answer;
  }
}

/** Of an image for several platforms the digest of the index, so that the pinned base stays one for all of them. */
function digestOf(image: ReturnType<CliEngine["images"]["find"]>): string | undefined {
  return (image?.index ?? image?.target)?.digest;
}

function dockerfilePath(path: string): string {
  const isDirectory = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  return isDirectory ? join(path, "Dockerfile") : path;
}

function findText(paths: readonly string[]): string | undefined {
  const path = paths.find((one) => statSync(one, { throwIfNoEntry: false })?.isFile());
  return path === undefined ? undefined : readDockerfileText(path);
}
