export { buildChecks } from "./build-checks.ts";
export { type CheckOptions, isRuleOn, mergeCheckComments, parseCheckOptions } from "./check-options.ts";
export { createReporter, type Reporter, silentReporter } from "./reporter.ts";
export type { Rule } from "./rule.ts";
export { checkSyntax } from "./syntax-checks.ts";
export type { Fix, LintWarning, TextEdit } from "./warning.ts";
