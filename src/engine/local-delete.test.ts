import assert from "node:assert/strict";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import type { BuildOutput } from "#build";
import { requireDeletable } from "./local-delete.ts";

function output(directory: string, mode: "copy" | "delete" = "delete"): readonly BuildOutput[] {
  return [{ kind: "local", directory, mode, tree: { attestationPrefix: "" } }];
}

test("requireDeletable() lets only directories below the working directory be emptied", () => {
  const outside = mkdtempSync(join(tmpdir(), "lighter-delete-"));
  try {
    requireDeletable(output(resolve("not/there/yet")));
    const link = join(outside, "link");
    symlinkSync(process.cwd(), link);
    requireDeletable(output(join(link, "src")));
    for (const directory of [outside, resolve("."), link, resolve(".."), "/"]) {
      assert.throws(() => requireDeletable(output(directory)), /--allow=buildx\.local\.delete/, directory);
      requireDeletable(output(directory, "copy"));
      requireDeletable(output(directory), ["buildx.local.delete"]);
    }
  } finally {
    rmSync(outside, { recursive: true });
  }
});
