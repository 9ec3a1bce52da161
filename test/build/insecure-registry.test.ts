import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Engine } from "#engine";
import { startMemoryRegistry } from "#registry";
import { whyNoMachine } from "../support/cli.ts";

test("registry.insecure=true reaches a registry without TLS that nothing else allows", {
  skip: whyNoMachine(),
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), "lighter-insecure-"));
  try {
    writeFileSync(join(folder, "Dockerfile"), "FROM scratch\nCOPY Dockerfile /\n");
    await using registry = await startMemoryRegistry();
    const registries = { insecure: [], retries: 0 };
    await using engine = new Engine({ root: join(folder, "root"), registries });
    const build = (given: { readonly outputs?: readonly string[]; readonly cacheTo?: readonly string[] }) =>
      engine.build({ context: folder, ...given });
    const output = `type=registry,name=${registry.address}/app`;
    await assert.rejects(build({ outputs: [output] }), { code: "REGISTRY_FAILED" });
    await build({ outputs: [`${output},registry.insecure=true`] });
    assert.ok(registry.findTag("app", "latest"));
    const cache = `type=registry,ref=${registry.address}/cache`;
    await assert.rejects(build({ cacheTo: [cache] }), { code: "REGISTRY_FAILED" });
    await build({ cacheTo: [`${cache},registry.insecure=true`] });
    assert.ok(registry.findTag("cache", "latest"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
