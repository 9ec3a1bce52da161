import type { LintWarning, TextEdit } from "./warning.ts";

/** A text with fixes applied, and the findings whose fixes were. */
export interface FixedText {
  readonly text: string;
  readonly applied: readonly LintWarning[];
}

/**
 * Applies the fixes of findings to the text they were found in. A fix is applied whole or not at all: one that
 * touches what an earlier one changes is left for the next run.
 */
export function applyFixes(text: string, warnings: readonly LintWarning[]): FixedText {
  const edits: TextEdit[] = [];
  const applied = warnings.filter(({ fix }) => {
    if (fix === undefined || fix.edits.some((edit) => edits.some((other) => collide(edit, other))))
      return false;
    edits.push(...fix.edits);
    return true;
  });
  return { text: applyEdits(text, edits), applied };
}

/** Two edits at the same place collide, too: their order would be a guess. */
function collide(a: TextEdit, b: TextEdit): boolean {
  return a.start <= b.end && b.start <= a.end;
}

function applyEdits(text: string, edits: readonly TextEdit[]): string {
  const parts: string[] = [];
  let at = 0;
  for (const edit of edits.toSorted((a, b) => a.start - b.start)) {
    parts.push(text.slice(at, edit.start), edit.text);
    at = edit.end;
  }
  return parts.join("") + text.slice(at);
}
