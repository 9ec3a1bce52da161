import type { Range } from "../ast.ts";

/** What a rule found. */
export interface LintWarning {
  /** Name of the rule: `JSONArgsRecommended`. */
  readonly rule: string;
  readonly description: string;
  readonly url: string;
  /** The finding in a sentence. */
  readonly detail: string;
  readonly range: Range;
  /** What would help; the rules of lighter give it where they have no fix. */
  readonly hint?: string;
  /** Edits that make the finding go away, when that can be done without guessing. */
  readonly fix?: Fix;
}

/** Edits to the text of a Dockerfile that belong together; none overlaps another. */
export interface Fix {
  /** What happens, in the imperative: `append --no-install-recommends`. */
  readonly title: string;
  readonly edits: readonly TextEdit[];
}

/** Replaces the text from `start` to `end` (offsets in UTF-16 code units, end exclusive). */
export interface TextEdit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}
