import type { FromInstruction, InstructionSource } from "../ast.ts";
import { readFlagValues } from "../flags.ts";
import { quote } from "../go-text.ts";
import { Refusal } from "../refusal.ts";
import { docComments } from "./arguments.ts";

const STAGE_NAME = /^[a-z][a-z0-9\-_.]*$/;

export function fromInstruction(source: InstructionSource): FromInstruction {
  const name = stageName(source);
  const platform = readFlagValues(source, { platform: "text" }).text("platform");
  return Object.freeze({
    kind: "FROM",
    image: source.words[0]?.value ?? "",
    ...(name === undefined ? {} : { name }),
    ...(platform === undefined ? {} : { platform }),
    ...docComments(source.comments)(name ?? ""),
    ...source,
  });
}

function stageName({ words }: InstructionSource): string | undefined {
  const [, as, word] = words;
  if (words.length === 1) return undefined;
  if (words.length !== 3 || as?.value.toLowerCase() !== "as" || word === undefined)
    throw new Refusal("instruction/arguments", "FROM requires either one or three arguments", {
      hint: "write FROM image, or FROM image AS name",
    });
  const name = word.value.toLowerCase();
  if (STAGE_NAME.test(name)) return name;
  const message = `invalid name for build stage: ${quote(word.value)}, name can't start with a number or contain symbols`;
  const hint = "start with a letter, go on with letters, digits, -, _ and .";
  throw new Refusal("instruction/value", message, { range: word.range, hint });
}
