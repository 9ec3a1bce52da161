/** Every instruction of the language, in the order in which suggestions are tried. */
export const INSTRUCTION_NAMES = [
  "ADD",
  "ARG",
  "CMD",
  "COPY",
  "ENTRYPOINT",
  "ENV",
  "EXPOSE",
  "FROM",
  "HEALTHCHECK",
  "LABEL",
  "MAINTAINER",
  "ONBUILD",
  "RUN",
  "SHELL",
  "STOPSIGNAL",
  "USER",
  "VOLUME",
  "WORKDIR",
] as const;

export type InstructionName = (typeof INSTRUCTION_NAMES)[number];

const NAMES: ReadonlyMap<string, InstructionName> = new Map(
  INSTRUCTION_NAMES.map((name) => [name.toLowerCase(), name]),
);

/** The instruction that a keyword names, in any case. */
export function findInstructionName(keyword: string): InstructionName | undefined {
  return NAMES.get(keyword.toLowerCase());
}
