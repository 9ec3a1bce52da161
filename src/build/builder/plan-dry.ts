import { LighterError } from "#base";
import { parse } from "#dockerfile";
import { assumedBase, type BaseRequest, type Plan, type PlanInvalid, plan, type ResolvedBase } from "#plan";
import type { Base } from "../ports.ts";
import { type InputTools, openInput } from "./open-input.ts";
import { planOptions } from "./plan-build.ts";

import type { BuildRequest } from "./request.ts";

/** What to plan. */
export interface DryRequest extends BuildRequest {
  /** Also the stages that the target does not need: for checks. */
  readonly allStages?: boolean;
}

/** A Dockerfile, what a build of it would do, and which of its bases nobody looked at. */
export interface DryPlan {
  /** `name` as messages name the file. */
  readonly dockerfile: { readonly name: string; readonly text: string };
  readonly answer: Plan | PlanInvalid;
  /** Bases that are not at hand: the plan takes them for images that set nothing. */
  readonly assumedBases: readonly BaseRequest[];
}

/**
 * Plans without getting anything but a context that is elsewhere: bases that `findBase` does not have at hand are assumed
 * to be plain.
 * @throws CONTEXT_NOT_FOUND, DOCKERFILE_NOT_FOUND, IGNORE_FILE_INVALID; a faulty Dockerfile is an answer
 */
export async function planDry(
  request: DryRequest,
  {
    findBase,
    ...tools
  }: InputTools & { readonly findBase: (base: BaseRequest) => Promise<Base | undefined> },
): Promise<DryPlan> {
  const input = await openInput(request, tools);
  const parsed = parse(input.dockerfile);
  const dockerfile = { name: input.dockerfilePath, text: parsed.file.text };
  const { allStages = false } = request;
  const options = { ...planOptions(request, input), allStages };
  const bases: ResolvedBase[] = [];
  const assumedBases: BaseRequest[] = [];
  for (;;) {
    const answer = plan({ ...options, parsed, bases });
    if (answer.kind !== "needs") return { dockerfile, answer, assumedBases };
    if (answer.bases.length === 0) throw new LighterError("INTERNAL", "cannot plan: nothing is needed");
    for (const wanted of answer.bases) {
      const found = await findBase(wanted);
      if (found === undefined) assumedBases.push(wanted);
      bases.push(
        found === undefined ? assumedBase(wanted) : { ...wanted, config: found.config, digest: found.digest },
      );
    }
  }
}
