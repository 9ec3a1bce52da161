import type { DockerfileFile, FromInstruction, Instruction, Stage } from "../../ast.ts";
import type { Fix } from "../warning.ts";
import { baseStages, findFinalStage, imageName } from "./final-stage.ts";
import { type OwnRule, sentenceRule } from "./own-rule.ts";

const rule = sentenceRule(
  "SmallerFinalBase",
  "A final stage that only receives files should start from scratch or a distroless image",
);

const systems: ReadonlySet<string> = new Set([
  "alpine",
  "debian",
  "ubuntu",
  "busybox",
  "fedora",
  "centos",
  "rockylinux",
  "almalinux",
  "amazonlinux",
]);

/** Looks at a final stage on a whole system that runs nothing in it and starts a program without a shell. */
export const smallerFinalBase: OwnRule = {
  rule,
  check: (file, reporter) => {
    const stage = findFinalStage(file);
    if (stage === undefined || file.stages.length < 2 || baseStages(file).has(stage)) return;
    const system = imageName(stage.from.image);
    if (!systems.has(system) || !stage.instructions.every(needsNoSystem)) return;
    const program = programOf(stage.instructions);
    if (program === undefined) return;
    const image = isStaticBuild(file, stage, program)
      ? staticBase(system)
      : "gcr.io/distroless/base-debian12";
    const isEnough = image !== "gcr.io/distroless/base-debian12";
    const fix = isEnough ? fixOf(file, stage.from, image) : undefined;
    const hint =
      "distroless/cc is for C++ and Rust, distroless/base for C; distroless/static for a program without libraries";
    const sentence = `Nothing of ${system} is used but to start ${program}: ${image} ${isEnough ? "is enough" : "may be enough"}`;
    reporter
      .within(stage.from.comments)
      .reportWithFix(rule, { range: stage.from.range, fix, hint }, sentence);
  },
};

/** These have no certificates either, which a program without libraries could miss; alpine has. */
const withoutCertificates: ReadonlySet<string> = new Set(["busybox", "debian", "ubuntu"]);

function staticBase(system: string): string {
  return withoutCertificates.has(system) ? "scratch" : "gcr.io/distroless/static-debian12";
}

function needsNoSystem(instruction: Instruction): boolean {
  switch (instruction.kind) {
    case "RUN":
    case "SHELL":
    case "ONBUILD":
    case "INVALID":
      return false;
    case "CMD":
    case "ENTRYPOINT":
      return instruction.command.form === "exec";
    case "USER":
      return /^\d/.test(instruction.user);
    case "HEALTHCHECK":
      return instruction.test[0] !== "CMD-SHELL";
    case "ADD":
    case "ARG":
    case "COPY":
    case "ENV":
    case "EXPOSE":
    case "FROM":
    case "LABEL":
    case "MAINTAINER":
    case "STOPSIGNAL":
    case "VOLUME":
    case "WORKDIR":
      return true;
  }
}

/** What ENTRYPOINT, else CMD, starts: an absolute path that is no shell. */
function programOf(instructions: readonly Instruction[]): string | undefined {
  const start =
    instructions.findLast((instruction) => instruction.kind === "ENTRYPOINT") ??
    instructions.findLast((instruction) => instruction.kind === "CMD");
  const program = start?.command.args[0];
  return program?.startsWith("/") === true && !/\/(?:ba|da|a)?sh$/.test(program) ? program : undefined;
}

/** The program is copied from a stage that builds without C libraries. */
function isStaticBuild(file: DockerfileFile, stage: Stage, program: string): boolean {
  const copy = stage.instructions.findLast(
    (instruction) =>
      instruction.kind === "COPY" &&
      (instruction.destination === program || program.startsWith(instruction.destination)),
  );
  if (copy?.kind !== "COPY" || copy.from === undefined) return false;
  const source = file.stages.find(
    ({ from, index }) => from.name === copy.from?.toLowerCase() || String(index) === copy.from,
  );
  const text = source === undefined ? "" : source.instructions.map(({ original }) => original).join("\n");
  return /\bCGO_ENABLED[= ]0\b|-unknown-linux-musl\b|\s-static\b/.test(text);
}

function fixOf(file: DockerfileFile, from: FromInstruction, image: string): Fix | undefined {
  const [word] = from.words;
  if (word === undefined) return undefined;
  const { start, end } = word.range;
  if (file.text.slice(start.offset, end.offset) !== from.image) return undefined;
  return { title: `start from ${image}`, edits: [{ start: start.offset, end: end.offset, text: image }] };
}
