import type { Range } from "../ast.ts";
import { type CheckOptions, isRuleOn, mergeCheckComments } from "./check-options.ts";
import type { Rule } from "./rule.ts";
import type { Fix, LintWarning } from "./warning.ts";

/** Collects what rules find, as far as `# check=` leaves them on. */
export interface Reporter {
  /** Says that `rule` found `facts` at `range`. */
  report<Facts extends readonly string[]>(rule: Rule<Facts>, range: Range, ...facts: Facts): void;
  /** The same with a fix, or with a hint where there is none. */
  reportWithFix<Facts extends readonly string[]>(
    rule: Rule<Facts>,
    at: { readonly range: Range; readonly fix?: Fix | undefined; readonly hint?: string | undefined },
    ...facts: Facts
  ): void;
  /** A reporter into the same list that also obeys `# check=` in the comments above an instruction. */
  within(comments: readonly string[]): Reporter;
}

/** A reporter that appends to `warnings`. */
export function createReporter(options: CheckOptions, warnings: LintWarning[]): Reporter {
  const reporter: Reporter = {
    report: (rule, range, ...facts) => reporter.reportWithFix(rule, { range }, ...facts),
    reportWithFix: (rule, { range, fix, hint }, ...facts) => {
      if (!isRuleOn(options, rule)) return;
      const { name, description, url } = rule;
      const warning = { rule: name, description, url, detail: rule.format(...facts), range };
      const help = fix === undefined ? (hint === undefined ? {} : { hint }) : { fix };
      warnings.push(Object.freeze({ ...warning, ...help }));
    },
    within: (comments) => {
      const merged = comments.length === 0 ? options : mergeCheckComments(options, comments);
      return merged === options ? reporter : createReporter(merged, warnings);
    },
  };
  return reporter;
}

/** Hears everything and keeps nothing. */
export const silentReporter: Reporter = Object.freeze({
  report: () => undefined,
  reportWithFix: () => undefined,
  within: () => silentReporter,
});
