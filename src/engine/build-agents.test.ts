import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Cleanup, isLighterError, LighterError } from "#base";
import { createHost } from "#host";
import { openAgents } from "./build-agents.ts";

test("keys without a program that holds them are refused when a step asks, with the package that has it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "lighter-agents-"));
  const key = join(folder, "key");
  writeFileSync(key, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
  const processes = {
    ...createHost().processes,
    spawn: () => {
      throw new LighterError("PROGRAM_MISSING", 'cannot start "ssh-agent"');
    },
  };
  try {
    await using scope = new Cleanup();
    const find = openAgents([`id=${key}`], { environment: {}, processes, scope });
    assert.equal(await find("other"), undefined);
    await assert.rejects(
      find("id"),
      (error: unknown) =>
        isLighterError(error, "PROGRAM_MISSING") && /install openssh-client/.test(error.message),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
