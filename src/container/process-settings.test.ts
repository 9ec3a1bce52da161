import assert from "node:assert/strict";
import { test } from "node:test";
import type { ProcessConfig } from "#oci";
import { processSettings } from "./process-settings.ts";

type Asked = Omit<Parameters<typeof processSettings>[1], "imageName">;

test("args by docker's rules", () => {
  const both: ProcessConfig = { Entrypoint: ["e"], Cmd: ["c"] };
  const cases: [ProcessConfig, Asked, readonly string[]][] = [
    [both, {}, ["e", "c"]],
    [both, { args: ["a"] }, ["e", "a"]],
    [both, { args: [] }, ["e", "c"]],
    [both, { entrypoint: ["x"] }, ["x"]],
    [both, { entrypoint: ["x"], args: ["a"] }, ["x", "a"]],
    [both, { entrypoint: [], args: ["a"] }, ["a"]],
    [{ Cmd: ["c"] }, {}, ["c"]],
    [{}, { args: ["a", "b"] }, ["a", "b"]],
  ];
  for (const [image, asked, expected] of cases)
    assert.deepEqual(processSettings(image, { imageName: "i", ...asked }).args, expected);
});

test("nothing to run", () => {
  for (const asked of [{}, { entrypoint: [] }])
    assert.throws(
      () => processSettings(asked.entrypoint ? { Cmd: ["c"] } : {}, { imageName: "empty", ...asked }),
      {
        code: "CONTAINER_INVALID",
        message: 'cannot run image "empty": it names no command; give one after the image',
      },
    );
});

test("directory, user and environment", () => {
  const image: ProcessConfig = { Cmd: ["c"], WorkingDir: "/app/", User: "ann", Env: ["A=1"] };
  const cases: [Asked, { cwd: string; user: string; env: readonly string[] }][] = [
    [{}, { cwd: "/app", user: "ann", env: ["A=1"] }],
    [
      { workdir: "/a/../b", user: "1:2", env: ["A=2"] },
      { cwd: "/b", user: "1:2", env: ["A=2"] },
    ],
  ];
  for (const [asked, expected] of cases) {
    const {
      args: _,
      entrypointLength: _length,
      ...rest
    } = processSettings(image, { imageName: "i", ...asked });
    assert.deepEqual(rest, expected);
  }
  assert.equal(processSettings({ Cmd: ["c"] }, { imageName: "i" }).cwd, "/");
  assert.throws(() => processSettings(image, { imageName: "i", workdir: "relative" }), {
    code: "CONTAINER_INVALID",
  });
});
