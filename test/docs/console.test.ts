// Runs the console blocks of the pages and compares what they print: a page cannot promise what lighter does not do.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

interface Step {
  readonly command: string;
  readonly output: readonly string[];
}

const pages = ["README.md"];
const root = mkdtempSync(join(tmpdir(), "lighter-docs-"));
after(() => rmSync(root, { recursive: true, force: true }));

for (const page of pages) {
  const steps = readSteps(readFileSync(page, "utf8"));
  test(`${page}: its ${steps.length} console lines do what the page says`, { skip: reasonToSkip() }, () => {
    assert.ok(steps.length > 0, "the page has no console line");
    for (const { command, output } of steps) {
      const { status, stdout, stderr } = spawnSync("sh", ["-c", command], {
        env: { ...process.env, LIGHTER_ROOT: root },
        encoding: "utf8",
      });
      assert.equal(status, 0, `$ ${command}\n${stderr}`);
      assertLike(stdout.trimEnd().split("\n"), output, command);
    }
  });
}

function reasonToSkip(): string | false {
  if (process.getuid?.() !== 0) return "needs root";
  if (!existsSync("dist/cli/cli.js")) return "dist is not built; run npm run setup";
  return false;
}

/** Lines that begin with `$ ` in console blocks, each with the lines below it. */
function readSteps(text: string): readonly Step[] {
  const blocks = Array.from(text.matchAll(/```console\n([\s\S]*?)```/g), ([, block = ""]) => block.trimEnd());
  return blocks.flatMap((block) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((step) => {
        const [command = "", ...output] = step.trimEnd().split("\n");
        return { command, output };
      }),
  );
}

/** A line of `...` stands for any lines, `...` within a line for anything; blanks may differ in number. */
function assertLike(actual: readonly string[], wanted: readonly string[], command: string): void {
  const pattern = wanted.map((line) =>
    line === "..."
      ? "(?:.*\n)*?"
      : `${line
          .split("...")
          .map((part) => part.trim().split(/\s+/).map(escapePattern).join("\\s+"))
          .join(".*?")}\\s*?\n`,
  );
  const text = actual.map((line) => `${line}\n`).join("");
  const message = `$ ${command}\nprinted\n${text}\nbut the page says\n${wanted.join("\n")}`;
  assert.match(text, new RegExp(`^${pattern.join("")}$`), message);
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

test("examples/library builds and runs through the engine", { skip: reasonToSkip() }, () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["examples/library/build-and-run.mjs"], {
    env: { ...process.env, LIGHTER_ROOT: root },
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^built sha256:[0-9a-f]{64}, \d+ bytes$/m);
  assert.match(stdout, /^6 x 7 = 42 \(status 0\)$/m);
});
