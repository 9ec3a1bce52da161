import assert from "node:assert/strict";
import { test } from "node:test";
import { LighterError } from "#base";
import { eachContainer } from "./each-container.ts";

test("all go at once, one that is named twice in turn, and a failure stops nobody", async () => {
  const [written, told, busy]: [string[], string[], Set<string>] = [[], [], new Set()];
  const io = {
    stdout: { isTerminal: false, columns: 80, rows: 24, write: (text: string) => void written.push(text) },
    stderr: { isTerminal: false, columns: 80, rows: 24, write: (text: string) => void told.push(text) },
  };
  let most = 0;
  const status = await eachContainer(
    ["a", "b", "gone", "a"],
    io as Parameters<typeof eachContainer>[1],
    async (name) => {
      assert.ok(!busy.has(name), "nobody else works on it");
      busy.add(name);
      most = Math.max(most, busy.size);
      await new Promise(setImmediate);
      busy.delete(name);
      if (name === "gone") throw new LighterError("CONTAINER_NOT_FOUND", "cannot find it");
    },
  );
  assert.deepEqual(
    [written.join(""), told, status, most],
    ["a\nb\na\n", ["lighter: cannot find it\n"], 1, 3],
  );
});
