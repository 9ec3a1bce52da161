import type { DockerfileFile } from "../../ast.ts";
import type { Reporter } from "../reporter.ts";
import { ownRule, type Rule } from "../rule.ts";

/** What a rule may ask beside the file. */
export interface OwnRuleOptions {
  /** The digest that an image name stands for now, when the caller knows it: `sha256:…`. */
  readonly findDigest?: (image: string) => string | undefined;
}

/** A rule of lighter: its data, and the function that looks for it in a file without errors. */
export interface OwnRule {
  readonly rule: Rule<readonly [string]>;
  readonly check: (file: DockerfileFile, reporter: Reporter, options: OwnRuleOptions) => void;
}

/** Makes a rule whose sentence is built where it is found. */
export function sentenceRule(name: string, description: string): Rule<readonly [string]> {
  return ownRule<readonly [string]>({
    name,
    description,
    url: `docs/lint-rules/${name}.md`,
    format: (sentence) => sentence,
  });
}
