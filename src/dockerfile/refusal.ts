import type { Range } from "./ast.ts";

/** Why a line is refused: the kinds of error that parsing knows. */
export type RefusalCode =
  | "syntax/directive"
  | "syntax/line-too-long"
  | "syntax/no-instructions"
  | "syntax/json-array"
  | "syntax/key-value"
  | "syntax/heredoc"
  | "instruction/unknown"
  | "instruction/arguments"
  | "instruction/flag"
  | "instruction/value"
  | "instruction/heredoc"
  | "instruction/trigger"
  | "stage/missing";

/** Thrown inside the parser and always caught there: a line that cannot be what its keyword says. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly code: RefusalCode;
  readonly range: Range | undefined;
  readonly hint: string | undefined;

  /** `message` is BuildKit's; `range` is the part of the line that is wrong, when it is not all of it. */
  constructor(code: RefusalCode, message: string, more: { range?: Range | undefined; hint?: string } = {}) {
    super(message);
    this.code = code;
    this.range = more.range;
    this.hint = more.hint;
  }
}
