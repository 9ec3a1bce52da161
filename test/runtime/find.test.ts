import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { isLighterError } from "#base";
import { createHost } from "#host";
import { findRuntime } from "#runtime";
import { unusable } from "./machine.ts";

describe("finding a runtime", { skip: unusable("crun") || unusable("runc") }, () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "lighter-find-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const find = (options = {}) =>
    findRuntime(createHost({ path: folder }), { runDirectory: join(folder, "run"), ...options });
  const fake = (name: string, script: string): void =>
    writeFileSync(join(folder, name), `#!/bin/sh\necho run >> ${folder}/calls\n${script}\n`, { mode: 0o755 });
  const calls = (): number =>
    existsSync(join(folder, "calls"))
      ? readFileSync(join(folder, "calls"), "utf8").split("\n").length - 1
      : 0;
  const real = (name: string): string => createHost().processes.find(name) ?? "";

  test("crun is preferred", async () => {
    const runtime = await find();
    assert.deepEqual([runtime.name, runtime.path], ["crun", real("crun")]);
  });

  test("runc takes over from a crun that does not work, and crun is not tried again", async () => {
    fake("crun", "echo no such luck >&2; exit 1");
    assert.equal((await find()).name, "runc");
    assert.equal((await find()).name, "runc");
    assert.equal(calls(), 1);
  });

  test("the answer is kept until the program changes", async () => {
    fake("crun", `exec ${real("crun")} "$@"`);
    for (let times = 0; times < 3; times += 1) assert.equal((await find()).path, join(folder, "crun"));
    assert.equal(calls(), 1);
    rmSync(join(folder, "crun"));
    fake("crun", `exec ${real("crun")} "$@" # changed`);
    await find();
    assert.equal(calls(), 2);
  });

  test("a damaged answer costs a probe", async () => {
    await find();
    for (const text of ["", "null", '{"question":', "[]"]) {
      writeFileSync(join(folder, "run/runtime.json"), text);
      assert.equal((await find()).name, "crun");
    }
  });

  test("a demanded runtime that does not work is an error with its words", async () => {
    fake("crun", "echo no such luck >&2; exit 1");
    await assert.rejects(find({ name: "crun" }), (error) => {
      assert.ok(isLighterError(error, "RUNTIME_FAILED"));
      assert.match(error.message, /^cannot run containers on this host: .*no such luck/);
      return true;
    });
  });

  test("two at once do not disturb each other", async () => {
    const found = await Promise.all([find(), find(), find()]);
    assert.deepEqual(
      found.map(({ name }) => name),
      ["crun", "crun", "crun"],
    );
  });
});
