import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { LighterError } from "#base";
import { parseReference } from "#oci";
import { type ContextParts, openNamedContexts } from "./build-contexts.ts";

const folder = mkdtempSync(join(tmpdir(), "lighter-contexts-"));
after(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, "file"), "");

/** Nothing is opened by naming it. */
const parts: ContextParts = new Proxy({} as ContextParts, {
  get: (_, name) => assert.fail(`${String(name)} was used`),
});

function open(name: string, spec: string) {
  const [entry, ...others] = openNamedContexts({ [name]: spec }, parts);
  assert.ok(entry);
  assert.deepEqual(others, []);
  return entry;
}

describe("named contexts", () => {
  test("are told by what they begin with", () => {
    assert.deepEqual(open("base", folder)[1], { kind: "directory", path: folder });
    assert.deepEqual(open("base", "docker-image://alpine:3")[1], {
      kind: "image",
      reference: parseReference("alpine:3"),
    });
    for (const url of [
      "https://example.org/x.git#main:docs",
      "git@example.org:x.git",
      "github.com/a/b",
      "https://example.org/x.git?unknown=1",
    ])
      assert.deepEqual(open("base", url)[1], { kind: "git", url });
    assert.deepEqual(open("base", "https://example.org/x.tar")[1], {
      kind: "http",
      url: "https://example.org/x.tar",
    });
  });

  test("a layout is known by its place", () => {
    const reference = (spec: string) => {
      const [, context] = open("base", spec);
      assert(context.kind === "image" && context.resolve !== undefined);
      assert.equal(context.reference.repository, "library/base");
      return context.reference.digest;
    };
    const digest = `@sha256:${"0".repeat(64)}`;
    const all = ["", ":1.2", digest, `:1.2${digest}`].map((choice) =>
      reference(`oci-layout://${folder}${choice}`),
    );
    assert.equal(new Set(all).size, 3, "a digest says more than a tag");
  });

  test("names are docker's", () => {
    assert.equal(open("docker.io/library/alpine:latest", folder)[0], "alpine");
    assert.equal(open("example.org/a:1", folder)[0], "example.org/a:1");
    assert.equal(open("alpine::linux/arm64", folder)[0], "alpine::linux/arm64");
  });

  for (const [name, spec, code, words] of [
    ["base", "", "ARGUMENT_INVALID", /want NAME=PLACE/],
    ["Base", folder, "ARGUMENT_INVALID", /lower case/],
    ["base", join(folder, "none"), "CONTEXT_NOT_FOUND", /no such directory; a context is .*oci-layout:\/\//],
    ["base", join(folder, "file"), "CONTEXT_NOT_FOUND", /no directory/],
    ["base", `oci-layout://${folder}/none:1`, "CONTEXT_NOT_FOUND", /no such directory/],
    ["base", "docker-image://Alpine", "REFERENCE_INVALID", /lower case/],
  ] as const)
    test(`${name}=${spec.replace(folder, "…")} is refused`, () => {
      assert.throws(
        () => open(name, spec),
        (error) => error instanceof LighterError && error.code === code && words.test(error.message),
      );
    });
});
