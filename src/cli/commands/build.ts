import { writeFileSync } from "node:fs";
import { LighterError } from "#base";
import type { BuildOptions, BuildResult } from "#engine";
import { buildFlags, buildOptions, refusedBuildFlags } from "../build-flags.ts";
import { defineCommand, type FlagValues, type Invocation } from "../command.ts";
import { openDisplay, type ProgressMode, progressModes } from "../progress/show.ts";
import type { Report } from "../reports/print-report.ts";

export const build = defineCommand({
  name: "build",
  summary: "Build an image from a Dockerfile",
  usage: "[OPTIONS] PATH|URL|-",
  flags: buildFlags,
  arity: { min: 1, max: 1 },
  argument: "directory",
  refused: refusedBuildFlags,
  examples: [
    {
      command: "lighter build -t calculator examples/go-calculator",
      explains: "Build a directory into an image",
    },
    { command: "lighter build --check .", explains: "Find what is likely wrong; build nothing" },
    {
      command: "lighter build -o type=oci,dest=calculator.tar examples/go-calculator",
      explains: "Write an archive that skopeo, podman and docker read",
    },
    {
      command: "lighter build --cache-from type=local,src=cache --cache-to type=local,dest=cache,mode=max .",
      explains: "Keep the results of steps between CI jobs",
    },
    {
      command: "lighter build https://github.com/owner/project.git#main:docker",
      explains: "Build a directory of a repository",
    },
    { command: "git archive HEAD | lighter build -t app -", explains: "Build what an archive holds" },
    {
      command: "lighter build --secret id=token,env=TOKEN --build-context lib=../lib .",
      explains: "Give a step a secret, and COPY --from=lib another directory",
    },
    { command: "lighter build --target builder -t tools .", explains: "Stop at the stage called builder" },
    {
      command: "lighter build --progress plain . 2>build.log",
      explains: "Keep the whole output of every step",
    },
  ],
  run: buildImage,
});

async function buildImage(invocation: Invocation<typeof buildFlags>): Promise<number> {
  const { flags, io, openEngine } = invocation;
  const options = buildOptions(invocation);
  const mode = flags.quiet
    ? "quiet"
    : ((flags.progress ?? io.env["BUILDKIT_PROGRESS"] ?? "auto") as ProgressMode);
  if (!progressModes.includes(mode))
    throw new LighterError("USAGE", `cannot show progress as "${mode}": want ${progressModes.join(", ")}`);
  await using engine = await openEngine();
  const report = reportOf(flags);
  if (report !== undefined) {
    const { printReport } = await import("../reports/print-report.ts");
    const planned = await engine.plan({ ...options, allStages: report.kind === "check" });
    return await printReport(report, planned, io);
  }
  const result = await withDisplay(mode, invocation, (onEvent) => engine.build({ ...options, onEvent }));
  writeResults(result, flags);
  if (mode === "quiet") await io.stdout.write(`${result.imageId ?? result.digest ?? ""}\n`);
  return 0;
}

/** What is asked for instead of a build. */
function reportOf(flags: FlagValues<typeof buildFlags>): Report | undefined {
  if (flags.print !== undefined)
    return { kind: "plan", format: flags.print.replace(/^plan=?/, "") || "text" } as Report;
  const [kind = "build", format = "text"] = (flags.check ? "check" : (flags.call ?? "build")).split(
    ",format=",
  );
  return kind === "build" ? undefined : ({ kind, format } as Report);
}

async function withDisplay<T>(
  mode: ProgressMode,
  { io }: Invocation<typeof buildFlags>,
  work: (onEvent: NonNullable<BuildOptions["onEvent"]>) => Promise<T>,
): Promise<T> {
  using display = openDisplay(mode, io);
  return await work(display.onEvent);
}

function writeResults(
  result: BuildResult,
  flags: { readonly iidfile: string | undefined; readonly "metadata-file": string | undefined },
): void {
  const id = result.imageId ?? result.digest;
  if (flags.iidfile !== undefined && id !== undefined) writeFileSync(flags.iidfile, id);
  const file = flags["metadata-file"];
  if (file !== undefined) writeFileSync(file, `${JSON.stringify(result.metadata, undefined, 2)}\n`);
}
