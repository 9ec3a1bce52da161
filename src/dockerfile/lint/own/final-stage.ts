import type { DockerfileFile, Instruction, Stage } from "../../ast.ts";

/** The stage that is built by default. */
export function findFinalStage(file: DockerfileFile): Stage | undefined {
  return file.stages.at(-1);
}

/** The last stage with the stages it is based on, nearest first: what ends up in the image. */
export function finalStages(file: DockerfileFile): Stage[] {
  const stages: Stage[] = [];
  let stage = findFinalStage(file);
  while (stage !== undefined) {
    stages.push(stage);
    stage = baseStage(file, stage);
  }
  return stages;
}

/** The earlier stage that FROM names. */
export function baseStage(file: DockerfileFile, stage: Stage): Stage | undefined {
  return file.stages
    .slice(0, stage.index)
    .findLast(({ from }) => from.name === stage.from.image.toLowerCase());
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
