import type { DockerfileFile } from "../../ast.ts";
import { parseCheckOptions } from "../check-options.ts";
import { createReporter } from "../reporter.ts";
import type { LintWarning } from "../warning.ts";
import { buildToolsKept } from "./build-tools-kept.ts";
import { copyBeforeInstall } from "./copy-before-install.ts";
import type { OwnRule, OwnRuleOptions } from "./own-rule.ts";
import { packageCacheKept } from "./package-cache-kept.ts";
import { runningAsRoot } from "./running-as-root.ts";
import { secretInLayer } from "./secret-in-layer.ts";
import { smallerFinalBase } from "./smaller-final-base.ts";
import { unpinnedBase } from "./unpinned-base.ts";

/** The rules of lighter: what makes an image small, safe and quick to build again. */
export const ownRules: readonly OwnRule[] = Object.freeze([
  buildToolsKept,
  copyBeforeInstall,
  packageCacheKept,
  runningAsRoot,
  secretInLayer,
  smallerFinalBase,
  unpinnedBase,
]);

/**
 * Looks for what lighter's own rules mind, beside the build checks. `# check=skip=` works for them, too. For a file
 * with errors there is nothing to say.
 */
export function lintOwn(file: DockerfileFile, options: OwnRuleOptions = {}): readonly LintWarning[] {
  if (file.instructions.some(({ kind }) => kind === "INVALID")) return [];
  const warnings: LintWarning[] = [];
  const reporter = createReporter(checkOptionsOf(file), warnings);
  for (const { check } of ownRules) check(file, reporter, options);
  return warnings.toSorted((a, b) => a.range.start.offset - b.range.start.offset);
}

function checkOptionsOf(file: DockerfileFile): ReturnType<typeof parseCheckOptions> {
  const directive = file.directives.find(({ name }) => name === "check");
  try {
    return parseCheckOptions(directive?.value ?? "");
  } catch {
    // Planning says what is wrong with the directive.
    return parseCheckOptions("");
  }
}
