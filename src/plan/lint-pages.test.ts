import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import {
  applyFixes,
  buildChecks,
  type LintWarning,
  lintOwn,
  ownRules,
  parse,
  type Rule,
  readIgnoreFile,
} from "#dockerfile";
import { type ImageConfig, parseDigest } from "#oci";
import { plan, type ResolvedBase } from "./index.ts";

// The pages in docs/lint-rules are the examples of the rules: what they show is what comes out.
const folder = join(process.cwd(), "docs/lint-rules");
const linux = { os: "linux", architecture: "amd64" };
const rules: readonly Rule<never>[] = [...Object.values(buildChecks), ...ownRules.map(({ rule }) => rule)];

describe("lint pages", () => {
  test("there is a page for every rule, and none without a rule", () => {
    assert.deepEqual(readdirSync(folder).toSorted(), rules.map(({ name }) => `${name}.md`).toSorted());
    const overview = readFileSync(join(folder, "../dockerfile.md"), "utf8");
    for (const { name } of rules) assert.ok(overview.includes(`(lint-rules/${name}.md)`), name);
  });

  for (const rule of rules) {
    test(rule.name, () => {
      const page = readPage(rule.name);
      assert.equal(page.title, rule.name);
      assert.ok(page.text.includes(rule.description), "the page has the description of the rule");
      assert.deepEqual(findings(rule, page.bad, page.ignore).map(sentence), page.output);
      assert.deepEqual(findings(rule, page.good, page.ignore).map(sentence), []);
    });
  }

  for (const { rule } of ownRules) {
    test(`the fix of ${rule.name} makes the good example of the bad one`, () => {
      const page = readPage(rule.name);
      const { text, applied } = applyFixes(page.bad, findings(rule, page.bad, page.ignore));
      assert.equal(applied.length, 1);
      assert.equal(text, page.good);
    });
  }
});

interface Page {
  readonly title: string;
  readonly text: string;
  readonly output: readonly string[];
  readonly bad: string;
  readonly good: string;
  readonly ignore: string;
}

function readPage(name: string): Page {
  const text = readFileSync(join(folder, `${name}.md`), "utf8");
  const block = (heading: string, language: string): string =>
    new RegExp(`## ${heading}\\n[^#]*?\`\`\`${language}\\n([^]*?)\`\`\``).exec(text)?.[1] ?? "";
  return {
    title: /^# (\w+)\n/.exec(text)?.[1] ?? "",
    text,
    output: block("Output", "text").trimEnd().split("\n"),
    bad: block("Bad", "dockerfile"),
    good: block("Good", "dockerfile"),
    ignore: /```dockerignore\n([^]*?)```/.exec(text)?.[1] ?? "",
  };
}

function findings(rule: Rule<never>, text: string, ignore: string): LintWarning[] {
  const parsed = parse(text);
  const all =
    rule.origin === "buildkit"
      ? checks(parsed, ignore)
      : lintOwn(parsed.file, { findDigest: () => zeroDigest });
  return all.filter((warning) => warning.rule === rule.name);
}

const zeroDigest = `sha256:${"0".repeat(64)}`;

/** All stages are checked; `alpine` is an image for arm64 only where no platform is named. */
function checks(parsed: ReturnType<typeof parse>, ignore: string): readonly LintWarning[] {
  const bases: ResolvedBase[] = [];
  const ignorePatterns = readIgnoreFile(ignore);
  for (;;) {
    const answer = plan({
      parsed,
      buildPlatform: linux,
      platform: linux,
      allStages: true,
      bases,
      ignorePatterns,
    });
    if (answer.kind !== "needs") return answer.warnings;
    for (const base of answer.bases) bases.push({ ...base, config: configFor(base.reference.repository) });
  }
}

function configFor(repository: string): ImageConfig {
  const architecture = repository === "library/alpine" ? "arm64" : "amd64";
  const diffId = parseDigest(`sha256:${"a".repeat(64)}`);
  return { os: "linux", architecture, rootfs: { type: "layers", diff_ids: [diffId] } };
}

function sentence({ rule, detail, range }: LintWarning): string {
  return `${rule}: ${detail} (line ${range.start.line})`;
}
