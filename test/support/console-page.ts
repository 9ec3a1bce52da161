import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** A line that begins with `$ ` in a console block of a page, and the lines below it. */
export interface Step {
  readonly command: string;
  readonly output: readonly string[];
}

/** The steps of every console block of a page, in order. */
export function readSteps(page: string): readonly Step[] {
  const text = readFileSync(page, "utf8");
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

/** Runs the steps in the clone, as a reader would: each ends well and prints what the page says. */
export function followSteps(steps: readonly Step[], env: Readonly<Record<string, string>>): void {
  assert.ok(steps.length > 0, "the page has no console line");
  for (const { command, output } of steps) {
    const { status, stdout, stderr } = spawnSync("sh", ["-c", command], {
      env: { ...process.env, ...env },
      encoding: "utf8",
    });
    assert.equal(status, 0, `$ ${command}\n${stderr}`);
    assertLike(stdout.trimEnd().split("\n"), output, command);
  }
}

/** A line of `...` stands for any lines, `...` within a line for anything; blanks may differ in number. */
function assertLike(actual: readonly string[], wanted: readonly string[], command: string): void {
  const pattern = wanted.map((line) =>
    line === "..."
      ? "(?:.*\n)*?"
      : `[ \\t]*${line
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
