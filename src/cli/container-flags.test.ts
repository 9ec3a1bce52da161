import assert from "node:assert/strict";
import { test } from "node:test";
import type { RunOptions } from "#engine";
import { runCommandLine } from "./command-line.ts";
import { fakeEngine, fakeIo } from "./testing.ts";

async function optionsOf(...words: readonly string[]): Promise<Partial<RunOptions>> {
  let asked: Partial<RunOptions> = {};
  const io = fakeIo();
  const engine = fakeEngine({
    run: (options) => {
      asked = options;
      return Promise.resolve(0);
    },
  });
  const status = await runCommandLine(["run", ...words, "image"], {
    io,
    signal: new AbortController().signal,
    onSignals: () => {},
    openEngine: () => Promise.resolve(engine),
  });
  assert.equal(status, 0, io.written.stderr);
  return asked;
}

test("an empty word is none, as of a script's variable that is not set", async () => {
  const names = [
    "memory",
    "stop-signal",
    "runtime",
    "log-driver",
    "cgroupns",
    "ip",
    "mac-address",
    "restart",
  ];
  const [empty, plain] = [await optionsOf(...names.flatMap((name) => [`--${name}`, ""])), await optionsOf()];
  const comparable = (options: object) => JSON.stringify(options);
  assert.equal(comparable(empty), comparable(plain));
  assert.deepEqual((await optionsOf("--entrypoint", "")).entrypoint, []);
});
