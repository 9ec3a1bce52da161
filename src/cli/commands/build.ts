import { writeFileSync } from "node:fs";
import { LighterError } from "#base";
import type { BuildOptions, BuildResult } from "#engine";
import { defineCommand, type FlagValues, type Invocation } from "../command.ts";
import { parseLabels, resolvePairs } from "../env-flags.ts";
import { keyValues } from "../key-values.ts";
import { openDisplay, type ProgressMode, progressModes } from "../progress/show.ts";
import type { Report } from "../reports/print-report.ts";

const buildFlags = {
  annotation: {
    kind: "list",
    value: "[WHERE:]NAME=VALUE",
    summary: "Add an annotation to manifest or index",
  },
  attest: {
    kind: "list",
    value: "type=TYPE,...",
    summary: "Attach an attestation: type=provenance or type=sbom",
  },
  "add-host": { kind: "list", value: "HOST:IP", summary: "Add a line to /etc/hosts of RUN steps" },
  "build-arg": {
    kind: "list",
    value: "NAME[=VALUE]",
    summary: "Set an ARG; without a value it is passed on",
  },
  "build-context": {
    kind: "list",
    value: "NAME=PLACE",
    summary: "Another context: a directory, docker-image://, oci-layout://, recipe:, a git or HTTP URL",
  },
  "cache-from": {
    kind: "list",
    value: "type=TYPE,...",
    summary: "Use results of other stores: type=local,src=DIR or type=registry,ref=NAME",
  },
  "cache-to": {
    kind: "list",
    value: "type=TYPE,...",
    summary: "Write results for other stores: type=local,dest=DIR, type=registry,ref=NAME or type=inline",
  },
  call: {
    kind: "string",
    choices: [
      "build",
      "check",
      "check,format=json",
      "outline",
      "outline,format=json",
      "targets",
      "targets,format=json",
    ],
    summary: "Instead of a build: build checks, what can be passed, or the stages",
  },
  check: { kind: "boolean", summary: "Short for --call check" },
  file: { kind: "string", short: "f", value: "FILE", summary: "The Dockerfile (default PATH/Dockerfile)" },
  iidfile: { kind: "string", value: "FILE", summary: "Write the image ID to a file" },
  jobs: { kind: "integer", value: "N", summary: "Steps at once (default: one a processor)" },
  label: { kind: "list", value: "NAME=VALUE", summary: "Add a label to the image" },
  load: { kind: "boolean", summary: "Short for --output type=docker: an image in the store (default)" },
  lock: {
    kind: "string",
    value: "FILE",
    summary: "Hold bases and remote files to this file; add to it what it lacks",
  },
  "metadata-file": { kind: "string", value: "FILE", summary: "Write digests and names to a file, as JSON" },
  network: {
    kind: "string",
    choices: ["default", "none", "host"],
    summary: "Network of RUN steps that name none",
  },
  "no-cache": { kind: "boolean", summary: "Run every step again" },
  output: {
    kind: "list",
    short: "o",
    value: "type=TYPE,...",
    summary: "Where the result goes: local, tar, oci, docker, image, registry or cacheonly",
  },
  platform: {
    kind: "string",
    value: "OS/ARCH[,...]",
    summary: "Platforms to build for (default: this machine's)",
  },
  print: {
    kind: "string",
    choices: ["plan", "plan=text", "plan=json", "plan=dot"],
    summary: "Instead of a build: print what would be done",
  },
  progress: { kind: "string", choices: progressModes, summary: "How to show progress (default auto)" },
  provenance: {
    kind: "string",
    value: "min|max|...",
    summary: "Attach what the image was built from (default: nothing is attached)",
  },
  push: { kind: "boolean", summary: "Short for --output type=registry" },
  quiet: { kind: "boolean", short: "q", summary: "Show no progress; print the image ID" },
  sbom: {
    kind: "string",
    value: "true|false",
    summary: "Attach the packages that the image holds (default: no)",
  },
  source: {
    kind: "list",
    value: "[PATTERN=]SOURCE,...",
    summary: "Where FROM looks: store, recipe, registry in this order (gcr.io/distroless/*=recipe: for these)",
  },
  squash: { kind: "boolean", summary: "Make one layer of those that the build makes" },
  tag: { kind: "list", short: "t", value: "NAME[:TAG]", summary: "Name of the image" },
  target: { kind: "string", value: "STAGE", summary: "Build this stage instead of the last" },
} as const;

export const build = defineCommand({
  name: "build",
  summary: "Build an image from a Dockerfile",
  usage: "[OPTIONS] PATH",
  flags: buildFlags,
  arity: { min: 1, max: 1 },
  argument: "directory",
  notYet: [
    ..."allow builder cgroup-parent".split(" "),
    ..."compress cpu-period cpu-quota cpu-shares cpuset-cpus cpuset-mems debug force-rm isolation".split(" "),
    ..."memory memory-swap no-cache-filter pull rm secret security-opt shm-size ssh ulimit -c -m".split(" "),
  ],
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

function buildOptions({ flags, args, io, signal }: Invocation<typeof buildFlags>): BuildOptions {
  const [context = "."] = args;
  if (context === "-" || /^(?:https?|git|ssh):\/\/|^git@/.test(context))
    throw new LighterError(
      "ARGUMENT_INVALID",
      `cannot build "${context}": this version of lighter takes a directory only; clone or unpack it first`,
    );
  const { file, target, platform, network, jobs } = flags;
  return {
    context,
    tags: flags.tag,
    ...(flags.source.length > 0 && { sources: flags.source }),
    ...(flags["build-context"].length > 0 && { contexts: keyValues(flags["build-context"]) }),
    buildArgs: resolvePairs(flags["build-arg"], io.env),
    labels: parseLabels(flags.label),
    noCache: flags["no-cache"],
    extraHosts: flags["add-host"],
    signal,
    ...(file !== undefined && { file }),
    ...(target !== undefined && { target }),
    ...(platform !== undefined && { platform }),
    ...(network !== undefined && { network }),
    ...(jobs !== undefined && { jobs }),
    ...outputOptions(flags),
    ...(flags.output.some(goesToStdout) && {
      writeStdout: (chunk: Uint8Array) => io.stdout.write(Buffer.from(chunk)),
    }),
  };
}

/** What becomes of the result. */
function outputOptions(flags: FlagValues<typeof buildFlags>): Partial<BuildOptions> {
  const { provenance, sbom, lock } = flags;
  return {
    ...(flags.output.length > 0 && { outputs: flags.output }),
    ...(flags.load && { load: true }),
    ...(flags.push && { push: true }),
    ...(flags.squash && { squash: true }),
    ...(flags.annotation.length > 0 && { annotations: flags.annotation }),
    ...(flags.attest.length > 0 && { attest: flags.attest }),
    ...(provenance !== undefined && { provenance }),
    ...(sbom !== undefined && { sbom }),
    ...(flags["cache-from"].length > 0 && { cacheFrom: flags["cache-from"] }),
    ...(flags["cache-to"].length > 0 && { cacheTo: flags["cache-to"] }),
    ...(lock !== undefined && { lockFile: lock }),
  };
}

/** Archives without a destination, and those that name it `-`. */
function goesToStdout(output: string): boolean {
  return output === "-" || /(?:^|,)type=(?:tar|oci|docker)(?:,|$)/.test(output);
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
