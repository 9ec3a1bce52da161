import { existsSync, lstatSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { LighterError } from "#base";
import type { BuildOptions, BuildResult } from "#engine";
import { buildFlags, buildOptions } from "../build-flags.ts";
import { parseCall } from "../call-flag.ts";
import { defineCommand, type FlagValues, type Invocation } from "../command.ts";
import { warnOfHeedless } from "../docker-build-flags.ts";
import type { CliEngine } from "../engine-port.ts";
import type { Io } from "../io.ts";
import { type Display, openDisplay, type ProgressMode, progressModes } from "../progress/show.ts";
import { plainLine } from "../progress/text.ts";
import type { Report } from "../reports/print-report.ts";

export const build = defineCommand({
  name: "build",
  summary: "Build an image from a Dockerfile",
  usage: "[OPTIONS] PATH|URL|-",
  flags: buildFlags,
  arity: { min: 1, max: 1 },
  argument: "directory",
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
    { command: "lighter build --explain .", explains: "Say which file or variable made each step run" },
    { command: "lighter build --on-error shell .", explains: "Look around where a RUN failed" },
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
  const mode = progressMode(flags, io);
  const report = reportOf(flags);
  await warnOfHeedless(flags, io);
  await using engine = await openEngine({ keepsNothing: report !== undefined });
  if (report !== undefined) {
    const { printReport } = await import("../reports/print-report.ts");
    const planned = await engine.plan({ ...options, allStages: report.kind === "check" });
    const { dockerfile } = planned;
    const name = asGiven(dockerfile.name, invocation);
    requireFolder(flags["metadata-file"]);
    const asked = { ...planned, dockerfile: { ...dockerfile, name } };
    const { status, metadata } = await printReport(report, asked, io);
    writeMetadata(flags["metadata-file"], metadata);
    return status;
  }
  if (flags.plan) {
    const { previewReport } = await import("../reports/explain-report.ts");
    await io.stdout.write(previewReport(await engine.preview(options), flags.format ?? "text"));
    return 0;
  }
  if (flags.explain) {
    const { openExplanation } = await import("../reports/explain-report.ts");
    await using explanation = openExplanation(flags.format ?? "text", io);
    return await buildAndTell(engine, { ...options, onEvent: explanation.onEvent }, { mode, invocation });
  }
  return await buildAndTell(engine, options, { mode, invocation });
}

/** @throws ARGUMENT_INVALID, NO_TERMINAL */
function progressMode({ quiet, progress }: FlagValues<typeof buildFlags>, io: Io): ProgressMode {
  if (quiet) {
    if (progress !== undefined && !["auto", "none", "quiet"].includes(progress))
      throw new LighterError(
        "ARGUMENT_INVALID",
        `cannot build: progress=${progress} and quiet cannot be used together; leave one out`,
      );
    return "quiet";
  }
  const asked = progress ?? (io.env["BUILDKIT_PROGRESS"] || "auto");
  const mode = progressModes.find((name) => name === asked);
  if (mode === undefined)
    throw new LighterError(
      "ARGUMENT_INVALID",
      `cannot show progress as "${asked}": want ${progressModes.join(", ")}`,
    );
  if (mode === "tty" && !io.stderr.isTerminal)
    throw new LighterError(
      "NO_TERMINAL",
      "cannot show progress as on a terminal: standard error is none; use --progress plain or auto",
    );
  return mode;
}

async function buildAndTell(
  engine: CliEngine,
  options: BuildOptions,
  { mode, invocation }: { readonly mode: ProgressMode; readonly invocation: Invocation<typeof buildFlags> },
): Promise<number> {
  const { flags, io } = invocation;
  for (const file of [flags.iidfile, flags["metadata-file"]]) requireFolder(file);
  removeStaleId(flags.iidfile);
  const result = await withDisplay(mode, invocation, (display) =>
    engine.build({
      ...options,
      onEvent: (event) => {
        display.onEvent(event);
        options.onEvent?.(event);
      },
      ...(flags["on-error"] === "shell" && { onStepFailure: shellOn(io, display) }),
    }),
  );
  writeResults(result, flags);
  if (mode === "quiet") await io.stdout.write(`${result.imageId ?? result.digest ?? ""}\n`);
  return 0;
}

/** The Dockerfile as its user called it, as docker does. */
function asGiven(name: string, { args, flags }: Invocation<typeof buildFlags>): string {
  const [context = "."] = args;
  const given = [flags.file ?? "", join(context, "Dockerfile"), join(context, "dockerfile")];
  return given.find((path) => path !== "" && resolve(path) === name) ?? name;
}

/** What is asked for instead of a build. */
function reportOf(flags: FlagValues<typeof buildFlags>): Report | undefined {
  if (flags.print !== undefined)
    return { kind: "plan", format: flags.print.replace(/^plan=?/, "") || "text" } as Report;
  const { method, ...form } = parseCall(flags.check ? "check" : flags.call || "build");
  return method === "build" ? undefined : { kind: method, ...form };
}

async function withDisplay<T>(
  mode: ProgressMode,
  { io }: Invocation<typeof buildFlags>,
  work: (display: ClosableDisplay) => Promise<T>,
): Promise<T> {
  using display = closable(openDisplay(mode, io));
  return await work(display);
}

/** A display that can leave the terminal to somebody else for good. */
type ClosableDisplay = Display & { close(): void };

function closable(display: Display): ClosableDisplay {
  let isOpen = true;
  const close = () => {
    if (isOpen) display[Symbol.dispose]();
    isOpen = false;
  };
  return {
    onEvent: (event) => {
      if (isOpen) display.onEvent(event);
    },
    close,
    [Symbol.dispose]: close,
  };
}

/** Leaves the terminal to a shell in the step that failed. @throws USAGE where there is no terminal */
function shellOn(io: Io, display: ClosableDisplay): NonNullable<BuildOptions["onStepFailure"]> {
  if (io.stdin.isTTY !== true || !io.stdout.isTerminal)
    throw new LighterError(
      "USAGE",
      "cannot open a shell when a step fails: standard input and output are no terminal",
    );
  return async ({ name, message, openShell }) => {
    display.close();
    const text = `${plainLine(name)}: ${plainLine(message)}\nlighter: a shell where it failed; exit ends the build\n`;
    await io.stderr.write(text);
    await openShell();
  };
}

/** @throws ARGUMENT_INVALID before a build whose result could not be written down */
function requireFolder(file: string | undefined): void {
  if (file === undefined || existsSync(dirname(file))) return;
  throw new LighterError("ARGUMENT_INVALID", `cannot write "${file}": there is no such directory`);
}

/** Who finds an ID after a build that failed would take the one of an earlier build for it. */
function removeStaleId(file: string | undefined): void {
  if (file !== undefined && lstatSync(file, { throwIfNoEntry: false })?.isFile() === true) rmSync(file);
}

function writeResults(
  result: BuildResult,
  flags: { readonly iidfile: string | undefined; readonly "metadata-file": string | undefined },
): void {
  const id = result.imageId ?? result.digest;
  if (flags.iidfile !== undefined) writeFileSync(flags.iidfile, id ?? "");
  writeMetadata(flags["metadata-file"], result.metadata);
}

function writeMetadata(file: string | undefined, metadata: object | undefined): void {
  if (file === undefined || metadata === undefined) return;
  writeFileSync(file, `${JSON.stringify(metadata, undefined, 2)}\n`);
}
