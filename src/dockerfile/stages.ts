import type { DockerfileFile, Instruction, Stage } from "./ast.ts";
import { diagnostic, type ParseState } from "./parse-state.ts";
import { Refusal } from "./refusal.ts";

/** Sorts instructions into stages. What stands between a refused FROM and the next one belongs to none. */
export function groupStages(state: ParseState): Pick<DockerfileFile, "globalArgs" | "stages"> {
  const globalArgs: DockerfileFile["globalArgs"][number][] = [];
  const stages: { index: number; from: Stage["from"]; instructions: Instruction[] }[] = [];
  let current: "none" | "refused" | Instruction[] = "none";
  for (const instruction of state.instructions) {
    if (instruction.kind === "FROM") {
      current = [];
      stages.push({ index: stages.length, from: instruction, instructions: current });
    } else if (instruction.kind === "INVALID" && instruction.keyword.value.toUpperCase() === "FROM") {
      current = "refused";
    } else if (typeof current === "object") current.push(instruction);
    else if (current === "none" && instruction.kind === "ARG") globalArgs.push(instruction);
    else if (current === "none" && instruction.kind !== "INVALID") {
      reportNoStage(state, instruction);
      current = "refused";
    }
  }
  for (const stage of stages) Object.freeze(stage.instructions);
  return {
    globalArgs: Object.freeze(globalArgs),
    stages: Object.freeze(stages.map((stage) => Object.freeze(stage))),
  };
}

function reportNoStage(state: ParseState, instruction: Instruction): void {
  const refusal = new Refusal("stage/missing", "no build stage in current context", {
    range: instruction.keyword.range,
    hint: "begin with FROM; only ARG may stand before it",
  });
  const found = diagnostic(state.source, refusal, { range: instruction.range, phase: "stage" });
  // Errors of instructions and stages are told in the order of the lines.
  const later = state.instructionErrors.findIndex(
    ({ range }) => range.start.offset > instruction.range.start.offset,
  );
  state.instructionErrors.splice(later < 0 ? state.instructionErrors.length : later, 0, found);
}
