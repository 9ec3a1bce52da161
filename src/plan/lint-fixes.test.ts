import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { applyFixes, type Diagnostic, type LintWarning, lintOwn, ownRules, parse } from "#dockerfile";
import { plan } from "./index.ts";
import { lintSamples } from "./testing/lint-samples.ts";

// What `--fix` does, held over whole files: it ends, breaks nothing, and what it mended is gone.
const corpus = join(process.cwd(), "../shared/corpora/frontend.jsonl.gz");
const missing = existsSync(corpus) ? false : `no corpus at ${corpus}`;
const findDigest = (): string => `sha256:${"0".repeat(64)}`;
const maxRounds = 20;

describe("fixes of lighter's own rules", () => {
  /** What is still found when all is mended that can be: each for a reason that its hint gives. */
  const left: Readonly<Record<string, readonly string[]>> = {
    nginx: ["RunningAsRoot"],
    secrets: ["SecretInLayer"],
  };
  for (const [name, text] of Object.entries(lintSamples))
    test(name, () => {
      const rest = lintOwn(parse(fixToTheEnd(name, text)).file, { findDigest });
      assert.deepEqual(rest.map(({ rule }) => rule).toSorted(), left[name] ?? []);
      for (const { hint } of rest) assert.notEqual(hint, undefined);
    });

  test("files of the corpus", { skip: missing }, () => {
    let fixed = 0;
    for (const row of gunzipSync(readFileSync(corpus)).toString("utf8").trim().split("\n")) {
      const { name, dockerfile, encoding } = JSON.parse(row) as Record<string, string>;
      if (name === undefined || dockerfile === undefined || encoding !== "utf8") continue;
      if (parse(dockerfile).file.text === dockerfile && fixToTheEnd(name, dockerfile) !== dockerfile) fixed++;
    }
    assert.ok(fixed > 300, `${fixed} files were mended`);
  });

  test("every finding has a fix or a hint", () => {
    const texts = Object.values(lintSamples).map((text) => lintOwn(parse(text).file));
    for (const { rule, fix, hint } of texts.flat()) assert.ok(fix ?? hint, rule);
    const seen = new Set(texts.flat().map(({ rule }) => rule));
    assert.deepEqual([...seen].toSorted(), ownRules.map(({ rule }) => rule.name).toSorted());
  });
});

test("every error of the corpus has a range, a frame and a hint", { skip: missing }, () => {
  let count = 0;
  for (const row of gunzipSync(readFileSync(corpus)).toString("utf8").trim().split("\n")) {
    const { dockerfile = "" } = JSON.parse(row) as { dockerfile?: string };
    for (const { message, range, frame, hint } of diagnostics(dockerfile)) {
      count++;
      assert.ok(range.end.offset >= range.start.offset, message);
      assert.ok(hint !== undefined && hint !== "", `${message}: no hint`);
      assert.ok(frame !== "" || dockerfile === "", `${message}: no frame`);
    }
  }
  assert.ok(count > 100, `${count} errors`);
});

function fixToTheEnd(name: string, text: string): string {
  const before = errors(text);
  let fixed = text;
  for (let round = 0; round < maxRounds; round++) {
    const found = lintOwn(parse(fixed).file, { findDigest });
    const { text: next, applied } = applyFixes(fixed, found);
    if (applied.length === 0) {
      // One that was there names the image as it is written now.
      assert.ok(errors(fixed).length <= before.length, `${name}: ${errors(fixed).join()}\n${fixed}`);
      return fixed;
    }
    for (const one of applied) checkApplied(name, fixed, one);
    fixed = next;
  }
  assert.fail(`${name}: still something to mend after ${maxRounds} rounds\n${fixed}`);
}

/** A fix by itself makes its finding, or one of several of its kind, go away. */
function checkApplied(name: string, text: string, finding: LintWarning): void {
  const count = (of: string): number =>
    lintOwn(parse(of).file, { findDigest }).filter((one) => one.detail === finding.detail).length;
  const alone = applyFixes(text, [finding]).text;
  assert.ok(count(alone) < count(text), `${name}: ${finding.rule}: ${finding.detail}\n${alone}`);
}

function errors(text: string): readonly string[] {
  return diagnostics(text).map(({ message }) => message);
}

function diagnostics(text: string): readonly Diagnostic[] {
  const answer = plan({
    parsed: parse(text),
    buildPlatform: { os: "linux", architecture: "amd64" },
    allStages: true,
    unresolvedBases: "assume",
  });
  return answer.kind === "invalid" ? answer.diagnostics : [];
}
