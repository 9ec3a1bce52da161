import {
  applyFixes,
  type DockerfileFile,
  lintOwn,
  type OwnRuleOptions,
  parse,
  readIgnoreFile,
} from "#dockerfile";
import { parsePlatform } from "#oci";
import { type Plan, type PlanInvalid, plan } from "#plan";

/** A Dockerfile and what all rules find in it, BuildKit's and lighter's own. */
export interface LintedText {
  readonly file: DockerfileFile;
  readonly answer: Plan | PlanInvalid;
}

/** What is known beside the text: the text of the ignore file, and the digests of base images. */
export interface LintContext extends OwnRuleOptions {
  readonly ignoreFile?: string | undefined;
}

/** Checks every stage; of base images only the names are known. @throws IGNORE_FILE_INVALID */
export function lintText(text: string, context: LintContext = {}): LintedText {
  const { ignoreFile } = context;
  const parsed = parse(text);
  const answer = plan({
    parsed,
    buildPlatform: parsePlatform(`linux/${process.arch}`),
    allStages: true,
    unresolvedBases: "assume",
    ...(ignoreFile !== undefined && { ignorePatterns: readIgnoreFile(ignoreFile) }),
  });
  if (answer.kind === "needs") throw new Error("bases were asked for although they are assumed");
  return {
    file: parsed.file,
    answer: { ...answer, warnings: [...answer.warnings, ...lintOwn(parsed.file, context)] },
  };
}

const maxRounds = 20;

/** Applies every fix there is; of two that meet at one place the second waits for the next round. */
export function fixAll(
  text: string,
  context: LintContext = {},
): { readonly text: string; readonly count: number } {
  let fixed = text;
  let count = 0;
  for (let round = 0; round < maxRounds; round++) {
    const { file, answer } = lintText(fixed, context);
    // Offsets are those of the text that was parsed: a byte order mark or another encoding would shift them.
    if (file.text !== fixed) return { text: fixed, count };
    const { text: next, applied } = applyFixes(fixed, answer.warnings);
    if (applied.length === 0) break;
    fixed = next;
    count += applied.length;
  }
  return { text: fixed, count };
}
