import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeIo } from "../testing.ts";
import { openLateDisplay } from "./late.ts";

const total = 4_000_000;

/** What stands on stderr after progress at these milliseconds. */
async function shown(
  moments: readonly number[],
  options: { isTerminal: boolean; quiet: boolean },
): Promise<string> {
  let nowMs = 0;
  const io = { ...fakeIo(options), now: () => nowMs };
  const display = openLateDisplay(io, options);
  for (const [at, moment] of moments.entries()) {
    nowMs = moment;
    display.onProgress({ id: "x", label: "lay out x", current: (at + 1) * 1_000_000, total, unit: "bytes" });
    // The display is loaded when the first second is over.
    await import("./transfer.ts");
    await new Promise(setImmediate);
  }
  display[Symbol.dispose]();
  display.onProgress({ id: "x", label: "lay out x", current: total, total, unit: "bytes" });
  return io.written.stderr;
}

test("what takes longer than a second is shown on a terminal, until it ends", async () => {
  const text = await shown([0, 500, 1000, 1500], { isTerminal: true, quiet: false });
  assert.match(text, /lay out x .*4MB\/4MB/);
  assert.doesNotMatch(text, /[12]MB\//);
});

test("nothing is shown of what is done sooner, with --quiet, and where there is no terminal", async () => {
  assert.equal(await shown([0, 300, 600, 900], { isTerminal: true, quiet: false }), "");
  assert.equal(await shown([0, 1000, 2000], { isTerminal: true, quiet: true }), "");
  assert.equal(await shown([0, 1000, 2000], { isTerminal: false, quiet: false }), "");
});
