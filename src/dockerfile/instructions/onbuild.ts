import type { Instruction, InstructionSource, OnbuildInstruction } from "../ast.ts";
import { readFlagValues } from "../flags.ts";
import { Refusal } from "../refusal.ts";
import { requireArguments } from "./arguments.ts";

/** `trigger` is the instruction behind ONBUILD, absent when there is none. */
export function onbuildInstruction(
  source: InstructionSource,
  trigger: Instruction | undefined,
): OnbuildInstruction {
  requireArguments(source, "ONBUILD");
  if (trigger === undefined)
    throw new Refusal("instruction/arguments", "ONBUILD requires at least one argument");
  readFlagValues(source, {});
  checkTrigger(trigger);
  return Object.freeze({ kind: "ONBUILD", expression: expressionOf(source), trigger, ...source });
}

function checkTrigger(trigger: Instruction): void {
  const { range } = trigger.keyword;
  const name = trigger.keyword.value.toUpperCase();
  if (name === "ONBUILD")
    throw new Refusal("instruction/trigger", "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed", {
      range,
    });
  if (name === "MAINTAINER" || name === "FROM")
    throw new Refusal("instruction/trigger", `${name} isn't allowed as an ONBUILD trigger`, { range });
}

/** What the image config keeps: the line behind ONBUILD, then the heredocs with their terminators. */
function expressionOf({ original, heredocs }: InstructionSource): string {
  const line = original.replace(/^[\t\n\f\r ]*ONBUILD[\t\n\f\r ]*/i, "");
  return line + heredocs.map(({ content, name }) => `\n${content}${name}`).join("");
}
