import type { Range } from "./ast.ts";

/**
 * Something to say about a Dockerfile.
 *
 * `phase` is where BuildKit would stop: it splits the whole file first (`syntax`), then reads one instruction after
 * the other (`instruction`, and `stage` for one that stands before any FROM). Diagnostics are in that order, so that
 * the first error of the list is the one that BuildKit reports; {@link errorText} gives its sentence.
 */
export interface Diagnostic {
  /** `syntax/...` or `instruction/...` for errors of the parser, the name of the rule for lint. */
  readonly code: string;
  readonly severity: "error" | "warning";
  readonly phase: "syntax" | "instruction" | "stage" | "plan";
  /** BuildKit's words. */
  readonly message: string;
  readonly range: Range;
  /** The first line of the instruction that `range` lies in: the one that BuildKit names. */
  readonly line: number;
  /** What would help. */
  readonly hint?: string;
  /** The lines in question with the place marked. */
  readonly frame: string;
}

/** The sentence that BuildKit gives for a diagnostic: "dockerfile parse error on line 2: unknown instruction: FROMM". */
export function errorText(diagnostic: Diagnostic): string {
  if (diagnostic.phase !== "instruction") return diagnostic.message;
  return `dockerfile parse error on line ${diagnostic.line}: ${diagnostic.message}`;
}
