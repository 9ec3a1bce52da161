import { LighterError } from "#base";

/** What `# check=` asks for: rules to skip, experimental rules to run, and whether a warning fails the build. */
export interface CheckOptions {
  readonly skip: ReadonlySet<string> | "all";
  readonly experimental: ReadonlySet<string> | "all";
  readonly error: boolean;
}

const nothingAsked: CheckOptions = Object.freeze<CheckOptions>({
  skip: new Set(),
  experimental: new Set(),
  error: false,
});

/**
 * Parses the value of a check directive: `skip=A,B;error=true;experimental=all`.
 * @throws DOCKERFILE_INVALID with BuildKit's words
 */
export function parseCheckOptions(text: string): CheckOptions {
  const trimmed = text.trim();
  if (trimmed === "") return nothingAsked;
  let options = nothingAsked;
  for (const part of splitAtMost(trimmed, ";", 3)) {
    const equals = part.indexOf("=");
    if (equals < 0) throw invalid(`invalid check option ${JSON.stringify(part)}`);
    options = withOption(options, part.slice(0, equals).trim(), part.slice(equals + 1).trim(), part);
  }
  return options;
}

function withOption(options: CheckOptions, key: string, value: string, part: string): CheckOptions {
  switch (key) {
    case "skip":
      return { ...options, skip: ruleSet(value) };
    case "experimental":
      return { ...options, experimental: ruleSet(value) };
    case "error":
      return { ...options, error: parseBoolean(value, part) };
    default:
      throw invalid(`invalid check option ${JSON.stringify(key)}`);
  }
}

/** The options of a file with those of the comments above one instruction added; the first `check=` comment counts. */
export function mergeCheckComments(options: CheckOptions, comments: readonly string[]): CheckOptions {
  for (const comment of comments) {
    const value = /^check\s*=\s*(\S+)/i.exec(comment)?.[1];
    if (value === undefined) continue;
    const local = findCheckOptions(value);
    if (local === undefined) return options;
    return {
      skip: union(options.skip, local.skip),
      experimental: union(options.experimental, local.experimental),
      error: options.error,
    };
  }
  return options;
}

/** Whether `# check=` leaves a rule on. */
export function isRuleOn(
  options: CheckOptions,
  rule: { readonly name: string; readonly experimental: boolean },
): boolean {
  if (rule.experimental) return options.experimental === "all" || options.experimental.has(rule.name);
  return options.skip !== "all" && !options.skip.has(rule.name);
}

function findCheckOptions(value: string): CheckOptions | undefined {
  try {
    return parseCheckOptions(value);
  } catch {
    // BuildKit overlooks a local directive that it cannot read.
    return undefined;
  }
}

function ruleSet(value: string): ReadonlySet<string> | "all" {
  return value === "all" ? "all" : new Set(value.split(",").map((name) => name.trim()));
}

function union(a: ReadonlySet<string> | "all", b: ReadonlySet<string> | "all"): ReadonlySet<string> | "all" {
  return a === "all" || b === "all" ? "all" : new Set([...a, ...b]);
}

function parseBoolean(value: string, part: string): boolean {
  if (/^(?:1|t|T|true|TRUE|True)$/.test(value)) return true;
  if (/^(?:0|f|F|false|FALSE|False)$/.test(value)) return false;
  const quoted = JSON.stringify(value);
  throw invalid(
    `failed to parse check option ${JSON.stringify(part)}: strconv.ParseBool: parsing ${quoted}: invalid syntax`,
  );
}

function splitAtMost(text: string, separator: string, count: number): string[] {
  const parts = text.split(separator);
  return parts.length <= count
    ? parts
    : [...parts.slice(0, count - 1), parts.slice(count - 1).join(separator)];
}

function invalid(message: string): LighterError {
  return new LighterError("DOCKERFILE_INVALID", message);
}
