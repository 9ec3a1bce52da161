import type { DockerfileFile, Instruction, Stage } from "../../ast.ts";

/** The stage that is built by default. */
export function findFinalStage(file: DockerfileFile): Stage | undefined {
  return file.stages.at(-1);
}

/** The last stage with the stages it is based on, nearest first: what ends up in the image. */
export function finalStages(file: DockerfileFile): Stage[] {
  const bases = baseStages(file);
  const stages: Stage[] = [];
  let stage = findFinalStage(file);
  while (stage !== undefined) {
    stages.push(stage);
    stage = bases.get(stage);
  }
  return stages;
}

/** For every stage that starts from an earlier one, that one. */
export function baseStages(file: DockerfileFile): ReadonlyMap<Stage, Stage> {
  const bases = new Map<Stage, Stage>();
  const named = new Map<string, Stage>();
  for (const stage of file.stages) {
    const base = named.get(stage.from.image.toLowerCase());
    if (base !== undefined) bases.set(stage, base);
    if (stage.from.name !== undefined) named.set(stage.from.name, stage);
  }
  return bases;
}

/** The image that the final stage goes back to, as FROM writes it. */
export function finalImage(file: DockerfileFile): string {
  return finalStages(file).at(-1)?.from.image ?? "";
}

/** All instructions that end up in the image, in order. */
export function finalInstructions(file: DockerfileFile): Instruction[] {
  return finalStages(file)
    .toReversed()
    .flatMap(({ instructions }) => instructions);
}

/** `golang` of `docker.io/library/golang:1.22@sha256:…`. */
export function imageName(image: string): string {
  const path = image.split("@", 1)[0] ?? "";
  const last = path.split("/").at(-1) ?? "";
  return last.split(":", 1)[0] ?? "";
}
