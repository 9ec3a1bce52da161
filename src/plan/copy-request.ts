import type { AddInstruction, CopyInstruction } from "#dockerfile";
import type { CopyAction, Edge, Owner } from "./graph.ts";
import type { Step } from "./step.ts";

/** COPY or ADD with its variables expanded. */
export interface CopyRequest {
  readonly step: Step;
  readonly instruction: CopyInstruction | AddInstruction;
  readonly sources: readonly string[];
  readonly destination: string;
  readonly checksum?: string;
  readonly chown: string;
  readonly chmod: string;
  readonly owner?: Owner;
  readonly mode?: number | string;
  /** Name of the step, for it and for what it downloads. */
  readonly name: string;
  readonly inputs: Edge[];
}

/** What all sources of an instruction have in common. */
export function commonParts(
  request: CopyRequest,
): Pick<CopyAction, "kind" | "destination" | "excludePatterns" | "owner" | "mode"> {
  const { destination, instruction, owner, mode } = request;
  return {
    kind: "copy",
    destination,
    excludePatterns: instruction.excludes,
    ...(owner !== undefined && { owner }),
    ...(mode !== undefined && { mode }),
  };
}
