import { LighterError } from "#base";
import type { BuildOptions } from "#engine";
import { parseByteSize } from "./byte-size.ts";
import type { Flags, FlagValues, Invocation } from "./command.ts";
import { buildLimitFlags, buildLimits, heedlessFlags } from "./docker-build-flags.ts";
import { parseLabels, platformOf, resolvePairs } from "./env-flags.ts";
import { progressModes } from "./progress/show.ts";

/** docker's flags, and lighter's own. */
export const buildFlags = {
  ...heedlessFlags,
  ...buildLimitFlags,
  allow: {
    kind: "list",
    value: "network.host|security.insecure|device|buildx.local.delete",
    summary: "Grant what a Dockerfile or mode=delete may not take by itself",
  },
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
    value: "METHOD[,format=json]",
    summary: "Instead of a build: check, outline (what can be passed) or targets (the stages)",
  },
  "cgroup-parent": {
    kind: "string",
    value: "PATH",
    summary: "Make the cgroups of RUN steps below this one (default /lighter)",
  },
  check: { kind: "boolean", summary: "Short for --call check" },
  compress: { kind: "boolean", summary: "Taken and not needed: nothing is sent anywhere" },
  explain: { kind: "boolean", summary: "After the build, say of each step whether it ran and why" },
  file: {
    kind: "string",
    short: "f",
    value: "FILE|URL|-",
    summary: "The Dockerfile (default PATH/Dockerfile)",
  },
  "force-rm": { kind: "boolean", summary: "Taken and not needed: no step leaves a container" },
  format: {
    kind: "string",
    choices: ["text", "json"],
    summary: "Form of what --explain and --plan print (default text)",
  },
  iidfile: { kind: "string", value: "FILE", summary: "Write the image ID to a file" },
  jobs: { kind: "integer", value: "N", summary: "Steps at once (default: one a processor, at least 4)" },
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
    value: "default|none|host|NAME",
    summary: "Network of RUN steps that name none; NAME is one of lighter network create",
  },
  "no-cache": { kind: "boolean", summary: "Run every step again" },
  "no-cache-filter": { kind: "list", value: "STAGE[,...]", summary: "Run every step of these stages again" },
  "on-error": {
    kind: "string",
    choices: ["fail", "shell"],
    summary: "What happens when a RUN fails: shell opens one in it (default fail)",
  },
  output: {
    kind: "list",
    short: "o",
    value: "type=TYPE,...",
    summary: "Where the result goes: local, tar, oci, docker, image, registry or cacheonly",
  },
  plan: { kind: "boolean", summary: "Instead of a build: what would run, what is cached, and why" },
  platform: {
    kind: "list",
    value: "OS/ARCH[,...]",
    summary: "Platforms to build for (default: this machine's)",
  },
  print: {
    kind: "string",
    choices: ["plan", "plan=text", "plan=json", "plan=dot"],
    summary: "Instead of a build: print what would be done",
  },
  progress: {
    kind: "string",
    choices: progressModes,
    isChosenLate: true,
    summary: "How to show progress (default auto)",
  },
  provenance: {
    kind: "string",
    value: "min|max|...",
    summary: "Attach what the image was built from (default: nothing is attached)",
  },
  pull: { kind: "boolean", summary: "Get bases anew, whatever the store has" },
  push: { kind: "boolean", summary: "Short for --output type=registry" },
  quiet: { kind: "boolean", short: "q", summary: "Show no progress; print the image ID" },
  rm: { kind: "boolean", on: true, summary: "Taken and not needed: no step leaves a container" },
  sbom: {
    kind: "string",
    value: "true|false",
    summary: "Attach the packages that the image holds (default: no)",
  },
  secret: {
    kind: "list",
    value: "id=NAME[,src=FILE|,env=VARIABLE]",
    summary: "A secret for RUN --mount=type=secret",
  },
  "shm-size": { kind: "string", value: "SIZE", summary: "Size of /dev/shm in RUN steps (default 64m)" },
  source: {
    kind: "list",
    value: "[PATTERN=]SOURCE,...",
    summary:
      "Where FROM looks: store, recipe, registry in this order (gcr.io/distroless/*=recipe: for these)",
  },
  ssh: {
    kind: "list",
    value: "default|ID=SOCKET|ID=KEY,...",
    summary: "An ssh agent, or keys, for RUN --mount=type=ssh and git",
  },
  squash: { kind: "boolean", summary: "Make one layer of those that the build makes" },
  tag: { kind: "list", short: "t", value: "NAME[:TAG]", summary: "Name of the image" },
  target: { kind: "string", value: "STAGE", summary: "Build this stage instead of the last" },
  ulimit: { kind: "list", value: "NAME=SOFT[:HARD]", summary: "Limit of the processes of RUN steps" },
} as const satisfies Flags;

/** The build that a command line asks for. @throws USAGE, ARGUMENT_INVALID */
export function buildOptions({ flags, args, io, signal }: Invocation<typeof buildFlags>): BuildOptions {
  const [context = "."] = args;
  const { file, target, platform, jobs } = flags;
  return {
    context,
    tags: flags.tag,
    buildArgs: resolvePairs(flags["build-arg"], io.env),
    labels: parseLabels(flags.label),
    noCache: flags["no-cache"],
    ...(flags.explain && { explain: true }),
    extraHosts: flags["add-host"],
    signal,
    ...((context === "-" || file === "-") && { stdin: io.stdin }),
    ...(file !== undefined && { file }),
    ...(target !== undefined && { target }),
    ...platformOf(platform.join(","), io.env),
    ...(jobs !== undefined && { jobs }),
    ...inputOptions(flags),
    ...stepOptions(flags),
    ...outputOptions(flags),
    ...(flags.output.some(goesToStdout) && {
      writeStdout: (chunk: Uint8Array) => io.stdout.write(Buffer.from(chunk)),
    }),
  };
}

/** Where things come from. */
function inputOptions(flags: FlagValues<typeof buildFlags>): Partial<BuildOptions> {
  const contexts = flags["build-context"];
  return {
    ...(contexts.length > 0 && { contexts: Object.fromEntries(contexts.map(namedContext)) }),
    ...(flags.source.length > 0 && { sources: flags.source }),
    ...(flags.pull && { pull: true }),
    ...(flags["no-cache-filter"].length > 0 && { noCacheFilter: flags["no-cache-filter"] }),
    ...(flags.secret.length > 0 && { secrets: flags.secret }),
    ...(flags.ssh.length > 0 && { ssh: flags.ssh }),
  };
}

function namedContext(text: string): readonly [string, string] {
  const equals = text.indexOf("=");
  if (equals > 0) return [text.slice(0, equals), text.slice(equals + 1)];
  throw new LighterError("ARGUMENT_INVALID", `cannot use build context "${text}": want NAME=PLACE`);
}

/** What holds for RUN. */
function stepOptions(flags: FlagValues<typeof buildFlags>): Partial<BuildOptions> {
  const { network, allow, ulimit } = flags;
  const shm = flags["shm-size"];
  const parent = flags["cgroup-parent"];
  return {
    ...(network !== undefined && { network }),
    ...(allow.length > 0 && { allow }),
    ...(ulimit.length > 0 && { ulimits: ulimit }),
    ...(shm !== undefined && { shmSizeBytes: parseByteSize(shm) }),
    ...(parent !== undefined && { cgroupParent: parent }),
    ...buildLimits(flags),
  };
}

/** What becomes of the result. */
function outputOptions(flags: FlagValues<typeof buildFlags>): Partial<BuildOptions> {
  const { provenance, sbom, lock } = flags;
  // A script that has nothing to ask for gives an empty word.
  const given = (texts: readonly string[]) => texts.filter((text) => text !== "");
  const outputs = given(flags.output);
  const from = given(flags["cache-from"]);
  const to = given(flags["cache-to"]);
  if (flags.iidfile !== undefined && outputs.length > 0 && !flags.load && !flags.push) requireImage(outputs);
  return {
    ...(outputs.length > 0 && { outputs }),
    ...(flags.load && { load: true }),
    ...(flags.push && { push: true }),
    ...(flags.squash && { squash: true }),
    ...(flags.annotation.length > 0 && { annotations: flags.annotation }),
    ...(flags.attest.length > 0 && { attest: flags.attest }),
    ...(provenance !== undefined && { provenance }),
    ...(sbom !== undefined && { sbom }),
    ...(from.length > 0 && { cacheFrom: from }),
    ...(to.length > 0 && { cacheTo: to }),
    ...(lock !== undefined && { lockFile: lock }),
  };
}

/** @throws ARGUMENT_INVALID when every output is files of a tree */
function requireImage(outputs: readonly string[]): void {
  const isTree = (output: string) => !output.includes("=") || /(?:^|,)type=(?:local|tar)(?:,|$)/.test(output);
  if (outputs.every(isTree))
    throw new LighterError(
      "ARGUMENT_INVALID",
      "cannot write --iidfile: local and tar exporters are incompatible with image ID file; add an output that makes an image",
    );
}

/** Archives without a destination, and those that name it `-`. */
function goesToStdout(output: string): boolean {
  return output === "-" || /(?:^|,)type=(?:tar|oci|docker)(?:,|$)/.test(output);
}
