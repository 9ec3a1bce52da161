import { writeFileSync } from "node:fs";
import { LighterError } from "#base";
import { defineCommand, type Invocation } from "../command.ts";
import { readDockerfileText } from "../dockerfile-text.ts";

const fmtFlags = {
  check: { kind: "boolean", summary: "Write nothing; name the files that are not in form and fail" },
  write: { kind: "boolean", short: "w", summary: "Write the result back to the files" },
} as const;

export const fmt = defineCommand({
  name: "fmt",
  summary: "Print a Dockerfile in its usual form",
  usage: "[OPTIONS] [FILE...]",
  flags: fmtFlags,
  arity: { min: 0, max: Number.POSITIVE_INFINITY },
  argument: "file",
  examples: [
    { command: "lighter fmt", explains: "Print the Dockerfile of this directory in form" },
    { command: "lighter fmt -w Dockerfile test/Dockerfile", explains: "Put two files into form" },
    { command: "lighter fmt --check Dockerfile", explains: "Fail when the file is not in form: for CI" },
  ],
  run: formatFiles,
});

async function formatFiles({ flags, args, io }: Invocation<typeof fmtFlags>): Promise<number> {
  let status = 0;
  for (const path of args.length === 0 ? ["Dockerfile"] : args) {
    const before = readDockerfileText(path);
    const after = await formatText(path, before);
    if (flags.check) {
      if (after === before) continue;
      await io.stdout.write(`${path}\n`);
      status = 1;
    } else if (!flags.write) await io.stdout.write(after);
    else if (after !== before) writeFileSync(path, after);
  }
  return status;
}

async function formatText(path: string, text: string): Promise<string> {
  const { errorText, parse, print } = await import("#dockerfile");
  const { file, diagnostics } = parse(text);
  const first = diagnostics.find(({ severity }) => severity === "error");
  if (first === undefined) return print(file);
  throw new LighterError("DOCKERFILE_INVALID", `cannot format ${path}:${first.line}: ${errorText(first)}`, {
    details: { frame: first.frame },
  });
}
