import assert from "node:assert/strict";
import * as path from "node:path";
import { test } from "node:test";
import { join } from "./join.ts";

test("joins as Node does", () => {
  const parts = [
    "",
    "/",
    "a",
    "a/",
    "/a",
    "a/b",
    ".",
    "..",
    "./a",
    "../a",
    "a/.",
    "a/..",
    ".a",
    "a.b",
    "a//b",
    "é",
  ];
  assert.equal(join(), path.join());
  for (const first of parts) {
    assert.equal(join(first), path.join(first));
    for (const second of parts) {
      assert.equal(join(first, second), path.join(first, second), `${first} and ${second}`);
      for (const third of parts) assert.equal(join(first, second, third), path.join(first, second, third));
    }
  }
});
