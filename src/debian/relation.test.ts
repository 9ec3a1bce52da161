import assert from "node:assert/strict";
import { test } from "node:test";
import { formatDependency, parseDependencies, parseRelations } from "./relation.ts";

const read = (field: string) => parseDependencies(field, "amd64").map(formatDependency);

test("relationship fields", () => {
  const rows = [
    ["", []],
    ["libc6", ["libc6"]],
    ["libc6 (>= 2.36), zlib1g(<<1:2)", ["libc6 (>= 2.36)", "zlib1g (<< 1:2)"]],
    ["usrmerge | usr-is-merged (>= 38)", ["usrmerge | usr-is-merged (>= 38)"]],
    ["python3:any (>= 3.5~)", ["python3:any (>= 3.5~)"]],
    ["a [amd64 arm64], b [arm64] | c, d [!amd64], e [linux-any]", ["a", "c", "e"]],
    ["a (< 2), b (> 3)", ["a (<= 2)", "b (>= 3)"]],
    ["a,\n b,\n", ["a", "b"]],
    ["libfoo-dev <!nocheck>", ["libfoo-dev"]],
  ] as const;
  for (const [field, expected] of rows) assert.deepEqual(read(field), expected, field);
});

test("fields with no alternatives", () => {
  assert.deepEqual(parseRelations("mail-transport-agent, exim4-daemon (= 4.96)", "amd64"), [
    { name: "mail-transport-agent" },
    { name: "exim4-daemon", version: { operator: "=", bound: "4.96" } },
  ]);
  assert.deepEqual(parseRelations(undefined, "amd64"), []);
});

test("what is no relation is refused", () => {
  for (const field of ["a b", "a (2)", "a (>= )", "(>= 1)", "a || b"])
    assert.throws(() => read(field), { code: "INDEX_INVALID", message: /it is no package relation/ }, field);
});
