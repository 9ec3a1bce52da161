/**
 * One build check, as data: its page in docs/lint-rules has the same name. `format` gives the sentence for what was
 * found; the code that finds it stands where the facts are known (the tree, or the plan).
 */
export interface Rule<Facts extends readonly string[] = readonly string[]> {
  readonly name: string;
  /** What the rule asks for, in a line. */
  readonly description: string;
  /** Where BuildKit explains the rule; empty when nowhere. */
  readonly url: string;
  /** Off unless `# check=experimental=` names it. */
  readonly experimental: boolean;
  /** `buildkit` for the checks of docker/dockerfile 1.26; `lighter` for our own, which a check must ask for. */
  readonly origin: "buildkit" | "lighter";
  readonly format: (...facts: Facts) => string;
}

type Parts<Facts extends readonly string[]> = Pick<Rule<Facts>, "name" | "description" | "format"> &
  Partial<Pick<Rule<Facts>, "url" | "experimental">>;

/** A rule of BuildKit: same name, same words. */
export function buildCheck<const Facts extends readonly string[]>(parts: Parts<Facts>): Rule<Facts> {
  const url = `https://docs.docker.com/go/dockerfile/rule/${kebabCase(parts.name)}/`;
  return Object.freeze({ url, experimental: false, ...parts, origin: "buildkit" });
}

/** A rule of lighter. */
export function ownRule<const Facts extends readonly string[]>(parts: Parts<Facts>): Rule<Facts> {
  return Object.freeze({ url: "", experimental: false, ...parts, origin: "lighter" });
}

function kebabCase(name: string): string {
  return name.replace(/([a-z])([A-Z])|([A-Z])(?=[A-Z][a-z])/g, "$1$3-$2").toLowerCase();
}
