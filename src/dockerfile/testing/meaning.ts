import type { DockerfileFile, Instruction } from "../ast.ts";

/** What a file says, without where and in which spelling: equal for a file and its printed form. */
export function meaning(file: DockerfileFile): unknown {
  return {
    escape: file.escape,
    directives: file.directives.map(({ name, value }) => `${name}=${value}`),
    comments: file.comments.map(({ text }) => text),
    instructions: file.instructions.map(instructionMeaning),
    stages: file.stages.map((stage) => stage.instructions.length),
    globalArgs: file.globalArgs.length,
  };
}

/** Which words are keywords decides what capitals do not change. */
function instructionMeaning(instruction: Instruction): unknown {
  const { range, keyword, original, words, flags, heredocs, emptyContinuationLine, ...rest } = instruction;
  void range;
  void original;
  void emptyContinuationLine;
  const as = instruction.kind === "FROM" ? 1 : -1;
  const trigger =
    "trigger" in rest && rest.trigger !== undefined ? instructionMeaning(rest.trigger) : undefined;
  return {
    ...rest,
    trigger,
    expression: undefined,
    keyword: keyword.value.toUpperCase(),
    words:
      trigger === undefined
        ? words.map(({ value }, index) => (index === as ? value.toUpperCase() : value))
        : [],
    flags: flags.map(({ text }) => text),
    heredocs: heredocs.map(({ name, content, expand, chomp }) => ({ name, content, expand, chomp })),
  };
}
